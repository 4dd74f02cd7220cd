"""What selection has to answer, case by case; the one source for the C++ engine and the Starlark walk.

A case: name; host (HostDescriptor without platform, or None); variants: name -> properties, or a text: why it is not available;
request, chain, no_fallback, devices, cpu (of the platform); what comes out: chosen ("" for an error), chain when it matters, reasons of those that do
not run, fell_back, error: a part of the text.

The rules are NVIDIA's, see plugins/select/cuda.cc; `golden` cases are the rows that other selectors get wrong.
"""

visibility(["//tests/variants/..."])

def _cuda(cubins = [], ptx = [], cuda = "12.8", **more):
    out = {"accelerator": "cuda", "cubins": ["sm_" + code for code in cubins], "cuda": cuda}
    if ptx:
        out["ptx"] = [{"arch": "compute_" + code, "toolkit": toolkit} for code, toolkit in ptx]
    return out | more

def _gpu(*devices, driver = "580.95.05", api = "13.0", **more):
    return {
        "devices": [{"compute_capability": device} for device in devices],
        "driver": driver,
        "driver_api": api,
        "libc": "glibc-2.36",
    } | more

_CPU = {"accelerator": "cpu"}

def _case(name, host, variants, chosen, **more):
    return struct(name = name, host = host, variants = variants, chosen = chosen, more = more)

_LADDER = {"cpu": _CPU} | {"cuda-sm" + code: _cuda([code]) for code in ["75", "80", "86", "89", "90"]}

# --- machine code: same major, same or lower minor -------------------------------------------------------------------------

_MACHINE_CODE = [
    _case("golden: 8.9 takes 86 before 80, and never 90", _gpu("8.9"), {
        "cpu": _CPU,
        "sm80": _cuda(["80"]),
        "sm86": _cuda(["86"]),
        "sm90": _cuda(["90"]),
    }, "sm86", chain = ["sm86", "sm80", "cpu"], reasons = {"sm90": "no_code_for_device"}),
    _case("golden: 8.0 refuses 86", _gpu("8.0"), {"cpu": _CPU, "sm86": _cuda(["86"])}, "cpu", reasons = {"sm86": "no_code_for_device"}),
    _case("exact before lower minor", _gpu("8.9"), _LADDER, "cuda-sm89", chain = ["cuda-sm89", "cuda-sm86", "cuda-sm80", "cpu"]),
    _case("8.6 takes 86", _gpu("8.6"), _LADDER, "cuda-sm86"),
    _case("8.0 takes 80", _gpu("8.0"), _LADDER, "cuda-sm80"),
    _case("7.5 takes 75", _gpu("7.5"), _LADDER, "cuda-sm75"),
    _case("7.0 is older than all", _gpu("7.0"), _LADDER, "cpu"),
    _case("10.0 is newer than all", _gpu("10.0"), _LADDER, "cpu"),
    _case("golden: 9.0 takes 90a before 86 with PTX", _gpu("9.0"), {
        "cpu": _CPU,
        "sm86": _cuda(["86"], [("86", "12.8")]),
        "sm90a": _cuda(["90a"]),
    }, "sm90a", chain = ["sm90a", "sm86", "cpu"]),
    _case("golden: 10.3 orders 103f and 100f before 100", _gpu("10.3"), {
        "sm100": _cuda(["100"], cuda = "12.9"),
        "sm100a": _cuda(["100a"], cuda = "12.9"),
        "sm100f": _cuda(["100f"], cuda = "12.9"),
        "sm103f": _cuda(["103f"], cuda = "12.9"),
    }, "sm103f", chain = ["sm103f", "sm100f", "sm100"], reasons = {"sm100a": "no_code_for_device"}),
    _case("golden: 12.1 takes 120f, then the PTX of 100; not 120a", _gpu("12.1"), {
        "ptx100": _cuda([], [("100", "12.9")], cuda = "12.9"),
        "sm120a": _cuda(["120a"], cuda = "12.9"),
        "sm120f": _cuda(["120f"], cuda = "12.9"),
        "sm121a": _cuda(["121a"], cuda = "12.9"),
    }, "sm121a", chain = ["sm121a", "sm120f", "ptx100"], reasons = {"sm120a": "no_code_for_device"}),
    _case("golden: 11.0 is not of the family of 100f", _gpu("11.0"), {"cpu": _CPU, "sm100f": _cuda(["100f"], cuda = "12.9")}, "cpu"),
    _case("12.0 refuses 121f", _gpu("12.0"), {"cpu": _CPU, "sm121f": _cuda(["121f"], cuda = "12.9")}, "cpu"),
    _case("Orin (8.7) refuses 86 of the others", _gpu("8.7"), {"cpu": _CPU, "sm86": _cuda(["86"])}, "cpu"),
    _case("Orin (8.7) takes 87", _gpu("8.7"), {"cpu": _CPU, "sm87": _cuda(["87"])}, "sm87"),
    _case("8.9 refuses 87 of Orin", _gpu("8.9"), {"cpu": _CPU, "sm87": _cuda(["87"])}, "cpu"),
    _case("Orin takes PTX", _gpu("8.7"), {"cpu": _CPU, "sm80": _cuda(["80"], [("80", "12.8")])}, "sm80"),
    _case("V100 has nothing in cu130", _gpu("7.0"), {
        "cpu": _CPU,
        "cu130": _cuda(["75", "80", "86", "90", "100", "120"], [("120", "13.0")], cuda = "13.0"),
    }, "cpu", reasons = {"cu130": "no_code_for_device"}),
    _case("one archive with many codes", _gpu("8.9"), {"cpu": _CPU, "fat": _cuda(["75", "80", "86", "90"])}, "fat"),
]

# --- PTX -------------------------------------------------------------------------------------------------------------------

_PTX = [
    _case("PTX runs across majors", _gpu("12.0"), {"cpu": _CPU, "sm80": _cuda(["80"], [("80", "12.8")])}, "sm80"),
    _case("PTX of a minor that is not 0", _gpu("8.9"), {"cpu": _CPU, "ptx": _cuda([], [("86", "12.2")], cuda = "12.2")}, "ptx"),
    _case("PTX does not run on older devices", _gpu("8.0"), {"cpu": _CPU, "ptx": _cuda([], [("86", "12.2")])}, "cpu"),
    _case("machine code of a lower minor beats PTX", _gpu("8.9"), {
        "ptx": _cuda([], [("89", "12.8")]),
        "sm80": _cuda(["80"]),
    }, "sm80"),
    _case("golden: 580 with PTX of 13.2 only", _gpu("9.0"), {"cpu": _CPU, "ptx132": _cuda([], [("90", "13.2")], cuda = "13.2")}, "cpu", reasons = {"ptx132": "ptx_too_new"}),
    _case("machine code of 13.2 runs on 580", _gpu("9.0"), {"cpu": _CPU, "sm90": _cuda(["90"], [("90", "13.2")], cuda = "13.2")}, "sm90"),
    _case("a PTX needs exactly that device", _gpu("10.0"), {"cpu": _CPU, "ptx90a": _cuda([], [("90a", "12.8")])}, "cpu"),
    _case("f PTX stays in its family", _gpu("12.0"), {"cpu": _CPU, "ptx100f": _cuda([], [("100f", "12.9")], cuda = "12.9")}, "cpu"),
    _case("f PTX in its family", _gpu("10.3"), {"cpu": _CPU, "ptx100f": _cuda([], [("100f", "12.9")], cuda = "12.9")}, "ptx100f"),
    _case("the nearer PTX", _gpu("9.0"), {"ptx75": _cuda([], [("75", "12.8")]), "ptx80": _cuda([], [("80", "12.8")])}, "ptx80"),
]

# --- drivers ---------------------------------------------------------------------------------------------------------------

_CU11, _CU12, _CU13 = _cuda(["90"], cuda = "11.8"), _cuda(["90"], cuda = "12.8"), _cuda(["90"], cuda = "13.0")

_DRIVERS = [
    _case("golden: driver 575 with CUDA 13", _gpu("9.0", driver = "575.57.08", api = "12.9"), {"cpu": _CPU, "cu13": _CU13}, "cpu", reasons = {"cu13": "driver_too_old"}),
    _case("golden: driver 610 runs CUDA 11.8", _gpu("9.0", driver = "610.43.02", api = "13.3"), {"cpu": _CPU, "cu11": _CU11}, "cu11"),
    _case("525.60.13 is the floor of 12", _gpu("9.0", driver = "525.60.13", api = "12.0"), {"cpu": _CPU, "cu12": _CU12}, "cu12"),
    _case("525.60.12 is below it", _gpu("9.0", driver = "525.60.12", api = "12.0"), {"cpu": _CPU, "cu12": _CU12}, "cpu"),
    _case("580.65 is above the floor of 13", _gpu("9.0", driver = "580.65.06", api = "13.0"), {"cpu": _CPU, "cu13": _CU13}, "cu13"),
    _case("450.80.02 is the floor of 11", _gpu("9.0", driver = "450.80.02", api = "11.0"), {"cpu": _CPU, "cu11": _CU11}, "cu11"),
    _case("11.0 has a lower floor", _gpu("8.0", driver = "450.51.06", api = "11.0"), {"cpu": _CPU, "cu110": _cuda(["80"], cuda = "11.0")}, "cu110"),
    _case("10.x has no minor version compatibility", _gpu("7.5", driver = "418.39", api = "10.1"), {"cpu": _CPU, "cu102": _cuda(["75"], cuda = "10.2")}, "cpu"),
    _case("what the driver fully supports goes first", _gpu("9.0", driver = "525.60.13", api = "12.0"), {
        "cu118": _CU11,
        "cu128": _CU12,
    }, "cu118"),
    _case("the newer toolkit of two", _gpu("9.0"), {"cu11": _CU11, "cu12": _CU12, "cu13": _CU13}, "cu13"),
    _case("cuDNN before none", _gpu("9.0"), {"cuda": _CU12, "cudnn": _CU12 | {"cudnn": "9"}}, "cudnn"),
    _case("the newer cuDNN", _gpu("9.0"), {"cudnn8": _CU12 | {"cudnn": "8.9"}, "cudnn9": _CU12 | {"cudnn": "9"}}, "cudnn9"),
    _case("forward compatibility is used when stated", _gpu("9.0", driver = "535.54.03", api = "12.2", forward_compat = "13.0"), {"cpu": _CPU, "cu13": _CU13}, "cu13"),
    _case("forward compatibility to 12.9 is not 13", _gpu("9.0", driver = "535.54.03", api = "12.2", forward_compat = "12.9"), {"cpu": _CPU, "cu13": _CU13}, "cpu"),
    _case("forward compatibility reads newer PTX", _gpu("9.0", driver = "535.54.03", api = "12.2", forward_compat = "12.8"), {
        "cpu": _CPU,
        "ptx": _cuda([], [("80", "12.8")]),
    }, "ptx"),
    _case("golden: a device without driver", _gpu("9.0", driver = "", api = ""), _LADDER, "cpu", reasons = {"cuda-sm90": "no_driver"}),
    _case("a driver without its CUDA release", _gpu("9.0", api = ""), _LADDER, "cpu", reasons = {"cuda-sm90": "no_driver"}),
    _case("golden: a driver without device", _gpu(), _LADDER, "cpu", reasons = {"cuda-sm90": "no_device"}),
    _case("a toolkit nobody knows", _gpu("9.0"), {"cpu": _CPU, "cu14": _cuda(["90"], cuda = "14.0")}, "cpu", reasons = {"cu14": "bad_cuda"}),
    _case("no toolkit", _gpu("9.0"), {"cpu": _CPU, "cu": _cuda(["90"], cuda = "")}, "cpu", reasons = {"cu": "bad_cuda"}),
    _case("a driver that is no version", _gpu("9.0", driver = "R580"), _LADDER, "cpu", reasons = {"cuda-sm90": "bad_host"}),
    _case("cuDNN that is no version", _gpu("9.0"), {"cpu": _CPU, "x": _CU12 | {"cudnn": "nine"}}, "cpu", reasons = {"x": "bad_cudnn"}),
]

# --- several devices -------------------------------------------------------------------------------------------------------

_DEVICES = [
    _case("golden: 8.0 and 9.0 want what runs on both", _gpu("8.0", "9.0"), _LADDER | {
        "both": _cuda(["80", "90"]),
    }, "both", reasons = {"cuda-sm80": "no_code_for_device", "cuda-sm90": "no_code_for_device"}),
    _case("PTX reaches the newer of two", _gpu("8.0", "9.0"), {"cpu": _CPU, "sm80": _cuda(["80"], [("80", "12.8")])}, "sm80"),
    _case("nothing runs on both", _gpu("7.5", "9.0"), _LADDER, "cpu"),
    _case("any device: the best one", _gpu("7.5", "9.0"), _LADDER, "cuda-sm90", devices = "ANY_DEVICE"),
    _case("any device: order does not matter", _gpu("9.0", "7.5"), _LADDER, "cuda-sm90", devices = "ANY_DEVICE"),
    _case("the weakest device counts", _gpu("8.6", "8.9"), {"sm80": _cuda(["80"]), "sm86": _cuda(["86"]), "sm89": _cuda(["89"])}, "sm86", reasons = {"sm89": "no_code_for_device"}),
    _case("a device without capability", _gpu("9.0", ""), _LADDER, "cpu", reasons = {"cuda-sm90": "bad_host"}),
    _case("a device with a name as capability", _gpu("sm_90"), _LADDER, "cpu", reasons = {"cuda-sm90": "bad_host"}),
]

# --- CPU, libc, libraries, provider plugins --------------------------------------------------------------------------------

_LEVELS = {"v1": {"cpu_level": "x86-64-v1"}, "v3": {"cpu_level": "x86-64-v3"}, "v4": {"cpu_level": "x86-64-v4"}}
_ARM = {"v85": {"cpu_level": "armv8.5-a"}, "v86": {"cpu_level": "armv8.6-a"}, "v91": {"cpu_level": "armv9.1-a"}}

_MACHINES = [
    _case("the best level that the CPU has", {"cpu_level": "x86-64-v3"}, _LEVELS, "v3", reasons = {"v4": "cpu_level_too_low"}),
    _case("no level means the lowest", {"libc": "glibc-2.36"}, _LEVELS, "v1"),
    _case("a level that nobody knows", {"cpu_level": "x86-64-v3"}, {"v1": _CPU, "v9": {"cpu_level": "x86-64-v9"}}, "v1", reasons = {"v9": "bad_cpu_level"}),
    _case("an ARM level on x86_64", {"cpu_level": "x86-64-v3"}, {"v1": _CPU, "arm": {"cpu_level": "armv8.2-a"}}, "v1", reasons = {"arm": "bad_cpu_level"}),
    _case("ARM: 9.0 is 8.5 and more, not 8.6", {"cpu_level": "armv9.0-a"}, _ARM, "v85", cpu = "aarch64", reasons = {"v86": "cpu_level_too_low", "v91": "cpu_level_too_low"}),
    _case("ARM: 9.1 has all of 8.6", {"cpu_level": "armv9.1-a"}, _ARM, "v91", cpu = "aarch64", chain = ["v91", "v86", "v85"]),
    _case("ARM: 8.6 has nothing of 9", {"cpu_level": "armv8.6-a"}, _ARM, "v86", cpu = "aarch64", reasons = {"v91": "cpu_level_too_low"}),
    _case("a host level that nobody knows", {"cpu_level": "haswell"}, _LEVELS | {"any": _CPU}, "any", reasons = {"v1": "bad_host"}),
    _case("accelerated before any level", _gpu("9.0", cpu_level = "x86-64-v4"), _LEVELS | {"cuda": _CU12}, "cuda"),
    _case("a newer glibc than wanted", {"libc": "glibc-2.36"}, {"cpu": {"libc": "glibc-2.31"}}, "cpu"),
    _case("an older glibc than wanted", {"libc": "glibc-2.28"}, {"cpu": {"libc": "glibc-2.31"}, "static": _CPU}, "static", reasons = {"cpu": "libc_too_old"}),
    _case("2.9 is older than 2.31", {"libc": "glibc-2.9"}, {"cpu": {"libc": "glibc-2.31"}, "static": _CPU}, "static"),
    _case("musl is not glibc", {"libc": "musl-1.2"}, {"cpu": {"libc": "glibc-2.31"}, "static": _CPU}, "static", reasons = {"cpu": "libc_other"}),
    _case("a host that does not say its libc", {"cpu_level": "x86-64-v3"}, {"cpu": {"libc": "glibc-2.31"}, "static": _CPU}, "static", reasons = {"cpu": "libc_unknown"}),
    _case("a libc that nobody knows", {"libc": "glibc-2.36"}, {"cpu": {"libc": "uclibc-1"}, "static": _CPU}, "static", reasons = {"cpu": "bad_libc"}),
    _case("a library that is missing", {"libc": "glibc-2.36"}, {"cpu": _CPU, "gl": {"sonames": ["libGL.so.1"]}}, "cpu", reasons = {"gl": "soname_missing"}),
    _case("a library that is there", {"sonames": ["libGL.so.1"]}, {"gl": {"sonames": ["libGL.so.1"]}}, "gl"),
    _case("a property of a provider", {"properties": [{"namespace": "tpu", "feature": "generation", "values": ["v5", "v4"]}]}, {
        "cpu": _CPU,
        "tpu-v4": {"accelerator": "tpu", "properties": [{"namespace": "tpu", "feature": "generation", "values": ["v4"]}]},
        "tpu-v5": {"accelerator": "tpu", "properties": [{"namespace": "tpu", "feature": "generation", "values": ["v5"]}]},
    }, "tpu-v5", chain = ["tpu-v5", "tpu-v4", "cpu"]),
    _case("a property that the host lacks", {"libc": "glibc-2.36"}, {
        "cpu": _CPU,
        "tpu": {"accelerator": "tpu", "properties": [{"namespace": "tpu", "feature": "generation", "values": ["v4"]}]},
    }, "cpu", reasons = {"tpu": "property_missing"}),
    _case("an accelerator that nobody speaks for", {"libc": "glibc-2.36"}, {"cpu": _CPU, "npu": {"accelerator": "npu"}}, "cpu", reasons = {"npu": "unknown_accelerator"}),
]

# --- malformed code --------------------------------------------------------------------------------------------------------

_MALFORMED = [
    _case("code {}".format(repr(code)), _gpu("9.0"), {"cpu": _CPU, "x": _cuda() | {"cubins": [code]}}, "cpu", reasons = {"x": "bad_code"})
    for code in ["", "sm_", "sm_9", "sm_90b", "sm_90A", "sm_80a", "sm_90f", "sm_090", "sm_9000", "90", "compute_90", "sm_90 ", "sm_-90"]
] + [
    _case("PTX {} of {}".format(repr(arch), repr(toolkit)), _gpu("9.0"), {
        "cpu": _CPU,
        "x": _cuda() | {"ptx": [{"arch": arch, "toolkit": toolkit}]},
    }, "cpu", reasons = {"x": "bad_code"})
    for arch, toolkit in [("sm_90", "12.8"), ("compute_90", ""), ("compute_90", "x"), ("compute_90z", "12.8"), ("", "")]
] + [
    _case("cuda without any code", _gpu("9.0"), {"cpu": _CPU, "x": _cuda()}, "cpu", reasons = {"x": "no_code"}),
]

# --- requests and chains ---------------------------------------------------------------------------------------------------

_STT = {
    "cpu": _CPU,
    "cuda-cudnn-sm75": _cuda(["75"], cudnn = "9"),
    "cuda-cudnn-sm86": _cuda(["86"], cudnn = "9"),
    "cuda-cudnn-sm90": "not pinned",
}
_STT_PTX = _STT | {"cuda-cudnn-sm75": _cuda(["75"], [("75", "12.8")], cudnn = "9")}

_REQUESTS = [
    _case("golden: an unknown host gets cpu", None, _LADDER, "cpu", chain = ["cpu"]),
    _case("a host that says nothing gets cpu", {}, _LADDER, "cpu"),
    _case("an unknown host with levels gets the lowest", None, _LEVELS, "v1"),
    _case("an unknown host and a libc", None, {"cpu": {"libc": "glibc-2.31"}}, "cpu"),
    _case("an unknown host lacks libraries", None, {"cpu": {"sonames": ["libGL.so.1"]}}, "", error = "cpu (needs libGL.so.1, which the host does not list), and no other one runs there either"),
    _case("a request that runs", _gpu("8.9"), _LADDER, "cuda-sm80", request = "cuda-sm80", chain = ["cuda-sm80", "cuda-sm89", "cuda-sm86", "cpu"], fell_back = False),
    _case("a request that does not run falls back", _gpu("8.0"), _LADDER, "cuda-sm80", request = "cuda-sm86", fell_back = True),
    _case("golden: not available, without PTX: cpu, not sm75", _gpu("9.0"), _STT, "cpu", request = "cuda-cudnn-sm90", fell_back = True, reasons = {"cuda-cudnn-sm90": "not_available"}),
    _case("not available, PTX of sm75", _gpu("9.0"), _STT_PTX, "cuda-cudnn-sm75", request = "cuda-cudnn-sm90", fell_back = True),
    _case("golden: a name stands for its device", None, _STT, "cuda-cudnn-sm86", request = "cuda-cudnn-sm86", fell_back = False, reasons = {"cuda-cudnn-sm75": "no_code_for_device"}),
    _case("not available and no properties: nothing is implied", None, _STT_PTX, "cpu", request = "cuda-cudnn-sm90", fell_back = True),
    _case("require: runs", _gpu("8.6"), _STT, "cuda-cudnn-sm86", request = "require:cuda-cudnn-sm86", chain = ["cuda-cudnn-sm86"]),
    _case("require: for an unknown host", None, _STT, "cuda-cudnn-sm86", request = "require:cuda-cudnn-sm86"),
    _case("require: does not run", _gpu("8.0"), _STT, "", request = "require:cuda-cudnn-sm86", error = "got none of cuda-cudnn-sm86 (has sm_86, nothing that runs on 8.0), expected one of cpu"),
    _case("require: is not available", None, _STT, "", request = "require:cuda-cudnn-sm90", error = "got none of cuda-cudnn-sm90 (not pinned)"),
    _case("require: nothing", None, _STT, "", request = "require:", error = "got '', expected one of cpu, cuda-cudnn-sm75"),
    _case("a name that is nowhere", _gpu("8.6"), _STT, "", request = "cuda-sm86", error = "variant: demo: got 'cuda-sm86', expected one of cpu, cuda-cudnn-sm75, cuda-cudnn-sm86, cuda-cudnn-sm90"),
    _case("a chain decides the order", _gpu("8.9"), _LADDER, "cuda-sm80", chain_in = ["cuda-sm80", "cpu"], chain = ["cuda-sm80", "cpu"]),
    _case("a chain makes nothing usable", _gpu("8.0"), _LADDER, "cpu", chain_in = ["cuda-sm86", "cuda-sm90", "cpu"], fell_back = True),
    _case("a chain after a request", _gpu("8.0"), _LADDER, "cpu", request = "cuda-sm86", chain_in = ["cpu", "cuda-sm80"], chain = ["cuda-sm86", "cpu", "cuda-sm80"]),
    _case("a chain without an end", _gpu("8.0"), _LADDER, "", chain_in = ["cuda-sm86"], error = "expected one of cpu, cuda-sm80"),
    _case("a chain with a name that is nowhere", _gpu("8.0"), _LADDER, "", chain_in = ["cuda"], error = "got 'cuda', expected one of cpu"),
    _case("no fallback: auto", _gpu("8.0"), _LADDER, "cuda-sm80", no_fallback = True, chain = ["cuda-sm80"]),
    _case("no fallback: a request that does not run", _gpu("8.0"), _LADDER, "", request = "cuda-sm86", no_fallback = True, error = "got none of cuda-sm86 (has sm_86, nothing that runs on 8.0)"),
    _case("equal rows: the first of the lock", _gpu("8.6"), {"b": _cuda(["86"]), "a": _cuda(["86"])}, "b"),
    _case("nothing is available", None, {"cpu": "gone", "cuda": "never"}, "", error = "got none of cpu (gone), cuda (never), and no other one runs there either"),
]

_CASES = _MACHINE_CODE + _PTX + _DRIVERS + _DEVICES + _MACHINES + _MALFORMED + _REQUESTS

def _request_of(case):
    platform = "linux-" + case.more.get("cpu", "x86_64")
    rows = [
        {"name": name, "platform": platform} | ({"not_available": properties} if type(properties) == "string" else {"properties": properties})
        for name, properties in case.variants.items()
    ]
    request = {
        "lock": {"artifact": "demo", "lock_version": 1, "variants": rows},
        "platform": platform,
    }
    if case.host != None:
        request["host"] = case.host
    for key, field in {"chain_in": "chain", "devices": "devices", "no_fallback": "no_fallback", "request": "request"}.items():
        if key in case.more:
            request[field] = case.more[key]
    return request

# Structs of name, request (a SelectRequest), chosen, and more: dict with the expectations that the case has.
SELECT_VECTORS = [
    struct(
        name = case.name,
        request = _request_of(case),
        chosen = case.chosen,
        more = {key: case.more[key] for key in ["chain", "error", "fell_back", "reasons"] if key in case.more},
    )
    for case in _CASES
]
