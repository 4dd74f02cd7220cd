"""Requests with the answers of the Starlark walk, as lines of JSON: the vectors, and random ones."""

load("//rules/private/variants:select.bzl", "select_variant")  # buildifier: disable=bzl-visibility
load(":select_vectors.bzl", "SELECT_VECTORS")

visibility("private")

_PLATFORM = "linux-x86_64"

# Mostly right values, some that are wrong, so that every check is reached and every refusal too.
_CUBINS = ["sm_" + code for code in "70 75 80 86 87 89 90 90a 100 100a 100f 103f 110 120 120f 121 9".split(" ")]
_PTX = ["compute_" + code for code in "50 75 80 86 90 90a 100 100f 120 b".split(" ")]
_TOOLKITS = ["11.0", "11.8", "12.0", "12.2", "12.8", "12.9", "13.0", "13.2", "10.2", "", "14.1"]
_CAPABILITIES = ["7.0", "7.5", "8.0", "8.6", "8.7", "8.9", "9.0", "10.0", "10.3", "11.0", "12.0", "12.1", "", "8.60"]
_DRIVERS = ["450.80.02", "470.42.01", "525.60.13", "535.104.05", "575.57.08", "580.95.05", "610.43.02", "", "580.x"]
_LEVELS = ["", "", "x86-64-v1", "x86-64-v2", "x86-64-v3", "x86-64-v4", "armv8.4-a", "armv8.7-a", "armv9.0-a", "armv9.3-a", "avx9"]
_LIBCS = ["", "", "glibc-2.28", "glibc-2.31", "glibc-2.36", "musl-1.2", "libc"]
_SONAMES = ["libGL.so.1", "libnccl.so.2", "libasound.so.2"]
_VALUES = ["v3", "v4", "v5"]

def _next(state, limit):
    """A number below `limit`; `state` is a list of one."""
    state[0] = (state[0] * 1103515245 + 12345) % 2147483648
    return (state[0] // 256) % limit

def _one(state, pool):
    return pool[_next(state, len(pool))]

def _some(state, pool, most):
    return [_one(state, pool) for _ in range(_next(state, most + 1))]

def _put(out, key, value):
    if value:
        out[key] = value

def _property(state):
    return {"feature": _one(state, ["generation", "link"]), "namespace": _one(state, ["tpu", "npu"]), "values": _some(state, _VALUES, 2)}

def _properties(state):
    out = {}
    accelerator = _one(state, ["", "cpu", "cuda", "cuda", "cuda", "cuda", "cuda", "tpu"])
    _put(out, "accelerator", accelerator)
    if accelerator == "cuda":
        _put(out, "cuda", _one(state, _TOOLKITS))
        _put(out, "cubins", _some(state, _CUBINS, 3))
        _put(out, "ptx", [{"arch": _one(state, _PTX), "toolkit": _one(state, _TOOLKITS)} for _ in range(_next(state, 3))])
        _put(out, "cudnn", _one(state, ["", "", "8.9", "9", "x"]))
    if _next(state, 3) == 0:
        _put(out, "cpu_level", _one(state, _LEVELS))
        _put(out, "libc", _one(state, _LIBCS))
        _put(out, "sonames", _some(state, _SONAMES, 1))
    if accelerator == "tpu" or _next(state, 12) == 0:
        _put(out, "properties", [_property(state) for _ in range(_next(state, 2) + 1)])
    return out

def _host(state):
    out = {}
    _put(out, "devices", [{"compute_capability": _one(state, _CAPABILITIES)} for _ in range(_one(state, [0, 1, 1, 1, 2, 3]))])
    _put(out, "driver", _one(state, _DRIVERS))
    _put(out, "driver_api", _one(state, ["11.0", "12.0", "12.2", "12.8", "13.0", "13.2", "", "x"]))
    _put(out, "forward_compat", _one(state, ["", "", "", "12.9", "13.2", "y"]))
    _put(out, "cpu_level", _one(state, _LEVELS))
    _put(out, "libc", _one(state, _LIBCS))
    _put(out, "sonames", _some(state, _SONAMES, 2))
    _put(out, "properties", [_property(state) for _ in range(_next(state, 3))])
    _put(out, "platform", _one(state, ["", _PLATFORM, _PLATFORM] * 5 + ["linux-aarch64"]))
    return out

def _random_request(state):
    rows, names = [], ["v{}".format(i) for i in range(_next(state, 6) + 1)]
    for name in names:
        row = {"name": name, "platform": _one(state, [_PLATFORM] * 5 + ["linux-aarch64"])}
        _put(row, "properties", _properties(state))
        _put(row, "not_available", _one(state, ["", "", "", "", "never built"]))
        rows.append(row)
    if _next(state, 50) == 0:
        rows.append(rows[0])
    request = {"lock": {"artifact": "random", "variants": rows}, "platform": _one(state, [_PLATFORM] * 18 + ["linux-aarch64", "macos-aarch64"])}
    if _next(state, 5):
        request["host"] = _host(state)
    _put(request, "request", _one(state, ["", "auto"] + names + ["require:" + name for name in names[:2]] + (["nobody", "require:"] if _next(state, 10) == 0 else [])))
    if _next(state, 3) == 0:
        _put(request, "chain", _some(state, names + ["v9"] if _next(state, 20) == 0 else names, 4))
    _put(request, "no_fallback", _next(state, 6) == 0)
    _put(request, "devices", _one(state, ["", "", "ANY_DEVICE"]))
    return request

def _json(name, request, expected):
    answer = select_variant(request)
    candidates = []
    for candidate in answer.candidates:
        out = {"name": candidate.name, "rank": candidate.rank, "row": candidate.row, "verdict": candidate.verdict}
        if candidate.reason:
            out["reason"] = {"code": candidate.reason[0], "text": candidate.reason[1]}
        candidates.append(out)
    entry = {} if expected == None else {"chosen": expected}
    return json.encode(entry | {
        "answer": {
            "candidates": candidates,
            "chain": answer.chain,
            "chosen": answer.chosen,
            "error": answer.error,
            "fell_back": answer.fell_back,
            "row": answer.row,
        },
        "name": name,
        "request": request,
    }) + "\n"

def _select_requests_impl(ctx):
    lines = [_json(vector.name, vector.request, vector.chosen) for vector in SELECT_VECTORS] if ctx.attr.vectors else []
    state = [ctx.attr.seed]
    for index in range(ctx.attr.random):
        lines.append(_json("random {} of seed {}".format(index, ctx.attr.seed), _random_request(state), None))
    out = ctx.actions.declare_file(ctx.label.name + ".jsonl")
    ctx.actions.write(out, "".join(lines))
    return [DefaultInfo(files = depset([out]))]

select_requests = rule(
    implementation = _select_requests_impl,
    doc = "Writes requests and what the Starlark walk answers, one JSON object a line.",
    attrs = {
        "random": attr.int(doc = "How many random requests."),
        "seed": attr.int(doc = "Of the random numbers."),
        "vectors": attr.bool(doc = "Also all of SELECT_VECTORS."),
    },
)
