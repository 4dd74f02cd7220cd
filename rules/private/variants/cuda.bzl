"""NVIDIA's rules; plugins/select/cuda.cc in Starlark, which says where they come from."""

load(":requirement.bzl", "parse_version")

visibility(["//rules/private/variants", "//tests/variants/..."])

_BASE, _FAMILY, _EXACT = "", "f", "a"
_TEGRA = [53, 62, 72, 87, 88, 101, 110]
_FAMILIES = {100: [100, 103], 120: [120, 121]}

def _driver_floor(toolkit):
    major, minor = toolkit[0], toolkit[1]
    if major == 10:
        return {0: "410.48", 1: "418.39"}.get(minor, "440.33")
    if major == 11:
        return "450.36.06" if minor == 0 else "450.80.02"
    return {12: "525.60.13", 13: "580"}.get(major, "")

def _parse_arch(prefix, text):
    """Returns (capability, features) or None."""
    if not text.startswith(prefix):
        return None
    digits, features = text[len(prefix):], _BASE
    if digits.endswith("a"):
        digits, features = digits[:-1], _EXACT
    elif digits.endswith("f"):
        digits, features = digits[:-1], _FAMILY
    if len(digits) not in (2, 3) or digits[0] == "0" or digits.strip("0123456789"):
        return None
    capability = int(digits)
    if (features == _EXACT and capability < 90) or (features == _FAMILY and capability < 100):
        return None
    return capability, features

def _parse_capability(text):
    version = parse_version(text)
    if (version == None or version[0] < 1 or version[0] > 99 or version[1] > 9 or
        text != "{}.{}".format(version[0], version[1])):
        return None
    return version[0] * 10 + version[1]

def _parse_code(wants):
    """Returns (list of arches, list of (arch, toolkit), what cannot be understood or None)."""
    cubins, ptx = [], []
    for text in wants.get("cubins", []):
        arch = _parse_arch("sm_", text)
        if arch == None:
            return [], [], text
        cubins.append(arch)
    for item in wants.get("ptx", []):
        arch = _parse_arch("compute_", item.get("arch", ""))
        if arch == None:
            return [], [], item.get("arch", "")
        toolkit = parse_version(item.get("toolkit", ""))
        if toolkit == None:
            return [], [], "{} of toolkit {}".format(item.get("arch", ""), item.get("toolkit", ""))
        ptx.append((arch, toolkit))
    return cubins, ptx, None

def _cubin_score(arch, device):
    capability, features = arch
    if features == _EXACT:
        return 6 if capability == device else 0
    if features == _FAMILY:
        return 5 if device in _FAMILIES.get(capability, [capability]) else 0
    if capability == device:
        return 4
    lower_minor = capability // 10 == device // 10 and capability < device
    return 3 if lower_minor and capability not in _TEGRA and device not in _TEGRA else 0

def _ptx_reaches(arch, device):
    capability, features = arch
    if features == _EXACT:
        return capability == device
    if features == _FAMILY:
        return device in _FAMILIES.get(capability, [capability])
    return capability <= device

def _best_code(cubins, ptx, device, api):
    """Returns ([score, capability], whether PTX is too new for the driver)."""
    best, too_new = [0, 0], False
    for arch in cubins:
        score = _cubin_score(arch, device)
        if score:
            best = max(best, [score, arch[0]])
    for arch, toolkit in ptx:
        if not _ptx_reaches(arch, device):
            continue
        if api < toolkit:
            too_new = True
        else:
            best = max(best, [2, arch[0]])
    return best, too_new

def _devices(wants, host, any_device, cubins, ptx, api):
    """Returns (reason or None, [score, capability])."""
    fits, refusal = [], None
    for device in host["devices"]:
        text = device.get("compute_capability", "")
        capability = _parse_capability(text)
        if capability == None:
            return ("bad_host", "the host's compute capability '{}' is none".format(text)), None
        best, too_new = _best_code(cubins, ptx, capability, api)
        if best[0]:
            fits.append(best)
        elif refusal == None and too_new:
            refusal = "ptx_too_new", "its PTX is newer than the host's driver (CUDA {}), and it has no other code for {}".format(
                host["driver_api"],
                text,
            )
        elif refusal == None:
            names = wants.get("cubins", []) + [item.get("arch", "") for item in wants.get("ptx", [])]
            refusal = "no_code_for_device", "has {}, nothing that runs on {}".format(", ".join(names), text)
    if any_device:
        return (None, max(fits)) if fits else (refusal, None)
    if refusal != None:
        return refusal, None
    return None, [min([fit[0] for fit in fits]), min([fit[1] for fit in fits])]

def check_cuda(wants, machine, any_device):
    """Checks driver, toolkit and code.

    Args:
      wants: properties of the variant.
      machine: struct.
      any_device: one device is enough.

    Returns:
      (reason or None, list of score, capability, native, toolkit and cudnn for the rank).
    """
    host = machine.host
    toolkit = parse_version(wants.get("cuda", ""))
    if toolkit == None or not _driver_floor(toolkit):
        return ("bad_cuda", "'{}' is no known CUDA toolkit".format(wants.get("cuda", ""))), None
    cudnn = 0
    if wants.get("cudnn", ""):
        version = parse_version(wants["cudnn"])
        if version == None:
            return ("bad_cudnn", "'{}' is no version of cuDNN".format(wants["cudnn"])), None
        cudnn = version[0] * 1000 + version[1]
    if not wants.get("cubins") and not wants.get("ptx"):
        return ("no_code", "the lock names no CUDA code of it"), None
    cubins, ptx, bad = _parse_code(wants)
    if bad != None:
        return ("bad_code", "'{}' is no CUDA code".format(bad)), None

    if not host.get("devices"):
        return ("no_device", "the host has no CUDA device"), None
    if not host.get("driver") or not host.get("driver_api"):
        return ("no_driver", "the host has a device, but no NVIDIA driver that says its version"), None
    driver = parse_version(host["driver"])
    api = parse_version(host["driver_api"])
    forward = parse_version(host.get("forward_compat", "") or "0")
    if driver == None or api == None or forward == None:
        return ("bad_host", "the host's driver '{}' (CUDA '{}', forward '{}') is no version".format(
            host["driver"],
            host["driver_api"],
            host.get("forward_compat", ""),
        )), None
    floor = _driver_floor(toolkit)
    if driver < parse_version(floor) and forward < toolkit:
        return ("driver_too_old", "CUDA {} needs driver {} or newer, the host has {}".format(
            wants["cuda"],
            floor,
            host["driver"],
        )), None
    api = max(api, forward)
    refusal, fit = _devices(wants, host, any_device, cubins, ptx, api)
    if refusal != None:
        return refusal, None
    return None, fit + [1 if api >= toolkit else 0, toolkit[0] * 1000 + toolkit[1], cudnn]

def implied_cuda_host(wants):
    """Makes up the host that a request by name stands for when nothing is known.

    Args:
      wants: properties of the variant.

    Returns:
      dict, or None when they do not say.
    """
    cubins, ptx, bad = _parse_code(wants)
    if bad != None or parse_version(wants.get("cuda", "")) == None:
        return None
    capabilities = [arch[0] for arch in cubins] or [arch[0] for arch, _ in ptx]
    if not capabilities:
        return None
    lowest = min(capabilities)
    return {
        "devices": [{"compute_capability": "{}.{}".format(lowest // 10, lowest % 10)}],
        "driver": "999999",
        "driver_api": wants["cuda"],
    }
