"""Selection in analysis; plugins/select/engine.cc in Starlark, which says how it works.

A request is a decoded SelectRequest (plugins/sdk/select.proto), the answer a struct with the fields of SelectAnswer; a test
compares both walks on random requests.
"""

load(":cuda.bzl", "check_cuda", "implied_cuda_host")
load(":requirement.bzl", "check_cpu_level", "check_libc", "check_properties", "check_sonames", "cpu_level")

visibility(["//rules/private/variants", "//tests/variants/..."])

_SAYS = ["devices", "driver", "driver_api", "forward_compat", "cpu_level", "libc", "sonames", "properties"]

def _judge(request, row, machine):
    """Returns (reason or None, rank)."""
    variant = request["lock"]["variants"][row]
    wants = variant.get("properties", {})
    if variant.get("not_available"):
        return ("not_available", variant["not_available"]), None
    for check in [check_cpu_level, check_libc, check_sonames]:
        reason = check(wants, machine)
        if reason != None:
            return reason, None
    reason, preference = check_properties(wants, machine)
    if reason != None:
        return reason, None
    tail = [cpu_level(wants.get("cpu_level", ""), machine.platform), -preference, -row]
    accelerator = wants.get("accelerator", "")
    if accelerator in ("", "cpu"):
        return None, [0, 0, 0, 0, 0, 0] + tail
    if accelerator == "cuda":
        reason, fit = check_cuda(wants, machine, request.get("devices") == "ANY_DEVICE")
        return (reason, None) if reason != None else (None, [1] + fit + tail)
    if accelerator not in [item.get("namespace", "") for item in wants.get("properties", [])]:
        return ("unknown_accelerator", "accelerator '{}' has no property that a host could answer".format(accelerator)), None
    return None, [1, 4, 0, 0, 0, 0] + tail

def _implied_host(wants):
    host = implied_cuda_host(wants) if wants.get("accelerator") == "cuda" else {}
    if host == None:
        return {}
    return host | {key: wants[key] for key in ["cpu_level", "sonames", "properties"] if wants.get(key)}

def _unique(names):
    return list({name: True for name in names})

def _request_error(request, platform, wanted, required):
    """Returns what is wrong with the request itself, or None."""
    what = "variant: " + request["lock"].get("artifact", "")
    rows = request["lock"].get("variants", [])
    seen = {}
    for row in rows:
        key = (row["name"], row["platform"])
        if key in seen:
            return "{}: got two rows for {} on {}, expected one".format(what, key[0], key[1])
        seen[key] = True
    names = _unique([row["name"] for row in rows])
    for name in ([wanted] if wanted or required else []) + request.get("chain", []):
        if name not in names:
            return "{}: got '{}', expected one of {}".format(what, name, ", ".join(names))
    if platform not in [row["platform"] for row in rows]:
        platforms = _unique([row["platform"] for row in rows])
        return "{}: got platform '{}', expected one of {}".format(what, platform, ", ".join(platforms))
    return None

def _machine(request, platform, wanted):
    host = request.get("host") or {}
    if [key for key in _SAYS if host.get(key)]:
        return struct(host = host, platform = platform, known = True)
    host = {}
    for row in request["lock"]["variants"]:
        if (row["name"], row["platform"]) == (wanted, platform):
            host = _implied_host(row.get("properties", {}))
    return struct(host = host, platform = platform, known = False)

def _chain(request, judged, wanted, required):
    if required:
        return [wanted]
    tail = request.get("chain", [])
    if not tail:
        ranks = {name: rank for name, (_, reason, rank) in judged.items() if reason == None}
        tail = sorted(ranks, key = lambda name: ranks[name], reverse = True)
    chain = _unique(([wanted] if wanted else []) + tail)
    return chain[:1] if request.get("no_fallback") else chain

def _candidates(judged, chosen_row):
    candidates = []
    for name, (row, reason, rank) in judged.items():
        if reason == None:
            verdict = "CHOSEN" if row == chosen_row else "USABLE"
        else:
            verdict = "NOT_AVAILABLE" if reason[0] == "not_available" else "REJECTED"
        candidates.append(struct(name = name, row = row, verdict = verdict, rank = rank or [], reason = reason))
    return candidates

def _none_error(request, platform, judged, chain):
    reasons = [
        "{} ({})".format(name, judged[name][1][1] if name in judged else "no row for " + platform)
        for name in chain or judged
    ]
    usable = [name for name, (_, reason, _rank) in judged.items() if reason == None]
    return "variant: {} for {}: got none of {}{}".format(
        request["lock"].get("artifact", ""),
        platform,
        ", ".join(reasons),
        ", expected one of " + ", ".join(usable) if usable else ", and no other one runs there either",
    )

def _answer(chosen = "", row = -1, chain = [], fell_back = False, candidates = [], error = ""):
    return struct(chosen = chosen, row = row, chain = chain, fell_back = fell_back, candidates = candidates, error = error)

def select_variant(request):
    """Chooses a variant.

    Args:
      request: decoded SelectRequest.

    Returns:
      struct: chosen (name or ""), row (or -1), chain (names), fell_back, candidates (structs of name, row, verdict, rank and
      reason: None or (code, text)), error ("" or why there is none).
    """
    platform = (request.get("host") or {}).get("platform", "") or request.get("platform", "")
    text = request.get("request", "")
    text = "" if text == "auto" else text
    required = text.startswith("require:")
    wanted = text[len("require:"):] if required else text
    error = _request_error(request, platform, wanted, required)
    if error != None:
        return _answer(error = error)

    machine = _machine(request, platform, wanted)
    judged = {}
    for row, variant in enumerate(request["lock"]["variants"]):
        if variant["platform"] == platform:
            reason, rank = _judge(request, row, machine)
            judged[variant["name"]] = (row, reason, rank)
    chain = _chain(request, judged, wanted, required)
    for name in chain:
        if name in judged and judged[name][1] == None:
            row = judged[name][0]
            return _answer(name, row, chain, name != chain[0], _candidates(judged, row))
    return _answer(chain = chain, candidates = _candidates(judged, -1), error = _none_error(request, platform, judged, chain))
