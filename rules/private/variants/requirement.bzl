"""The checks that a variant has to pass on a machine; plugins/select/requirement.cc in Starlark.

All return None when the machine is right, else (code, text). A machine is a struct of `host` (dict), `platform` and `known`.
"""

visibility(["//rules/private/variants", "//tests/variants/..."])

_DIGITS = "0123456789"

def parse_version(text):
    """Reads 1 to 4 numbers with dots between them.

    Args:
      text: such as `535.104.05`.

    Returns:
      list of four integers, or None.
    """
    parts = text.split(".")
    if len(parts) > 4:
        return None
    for part in parts:
        if not part or len(part) > 9 or part.strip(_DIGITS):
            return None
    return [int(part, 10) for part in parts] + [0] * (4 - len(parts))

def cpu_level(level, platform):
    """Gives a CPU level a number, higher is better.

    Args:
      level: such as `x86-64-v3`.
      platform: `<os>-<cpu>`.

    Returns:
      the number, 0 for an empty level, None when it is no level of the platform.
    """
    if not level:
        return 0
    if platform.endswith("-x86_64"):
        for number in range(1, 5):
            if level == "x86-64-v{}".format(number):
                return number
    elif platform.endswith("-aarch64"):
        for number in range(80, 98):
            if level == "armv{}.{}-a".format(number // 10, number % 10):
                return number
    return None

def check_cpu_level(wants, machine):
    """Checks the CPU level.

    Args:
      wants: properties of the variant.
      machine: struct.

    Returns:
      None or a reason.
    """
    level = wants.get("cpu_level", "")
    if not level:
        return None
    wanted = cpu_level(level, machine.platform)
    if wanted == None:
        return "bad_cpu_level", "'{}' is no CPU level of {}".format(level, machine.platform)
    has_level = machine.host.get("cpu_level", "") or ("x86-64-v1" if machine.platform.endswith("-x86_64") else "armv8.0-a")
    has = cpu_level(has_level, machine.platform)
    if has == None:
        return "bad_host", "the host's CPU level '{}' is none of {}".format(has_level, machine.platform)

    # Release 9.N of the ARM architecture is release 8.(N + 5) with more, and has nothing of later ones of 8.
    if has >= 90 and wanted < 90:
        has -= 5
    if has >= wanted:
        return None
    return "cpu_level_too_low", "needs {}, the host has {}".format(level, has_level)

def _parse_libc(text):
    for family in ["glibc", "musl"]:
        if text.startswith(family + "-"):
            version = parse_version(text[len(family) + 1:])
            if version != None:
                return family, version
    return None

def check_libc(wants, machine):
    """Checks the C library.

    Args:
      wants: properties of the variant.
      machine: struct.

    Returns:
      None or a reason.
    """
    text = wants.get("libc", "")
    if not text:
        return None
    wanted = _parse_libc(text)
    if wanted == None:
        return "bad_libc", "'{}' is no C library".format(text)
    if not machine.known:
        return None
    has_text = machine.host.get("libc", "")
    if not has_text:
        return "libc_unknown", "needs {}, the host does not say what it has".format(text)
    has = _parse_libc(has_text)
    if has == None:
        return "bad_host", "the host's '{}' is no C library".format(has_text)
    if has[0] != wanted[0]:
        return "libc_other", "needs {}, the host has {}".format(text, has_text)
    if has[1] < wanted[1]:
        return "libc_too_old", "needs {}, the host has {}".format(text, has_text)
    return None

def check_sonames(wants, machine):
    """Checks the shared libraries.

    Args:
      wants: properties of the variant.
      machine: struct.

    Returns:
      None or a reason.
    """
    for soname in wants.get("sonames", []):
        if soname not in machine.host.get("sonames", []):
            return "soname_missing", "needs {}, which the host does not list".format(soname)
    return None

def _position(want, machine):
    """Returns the position of the best value in the host's order, or None."""
    for has in machine.host.get("properties", []):
        if (has.get("namespace", ""), has.get("feature", "")) != (want.get("namespace", ""), want.get("feature", "")):
            continue
        for index, value in enumerate(has.get("values", [])):
            if value in want.get("values", []):
                return index
        return None
    return None

def check_properties(wants, machine):
    """Checks the properties of provider plugins.

    Args:
      wants: properties of the variant.
      machine: struct.

    Returns:
      (reason or None, sum of the positions of the best values).
    """
    preference = 0
    for want in wants.get("properties", []):
        position = _position(want, machine)
        if position == None:
            return ("property_missing", "needs {}::{} of {}, which the host does not have".format(
                want.get("namespace", ""),
                want.get("feature", ""),
                ", ".join(want.get("values", [])),
            )), 0
        preference += position
    return None, preference
