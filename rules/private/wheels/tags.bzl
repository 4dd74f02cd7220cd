"""Which tags of wheels a python on a platform takes, best first (PEP 425, 600, 656, 703).

The order is the one of pip: the interpreter's own ABI, the stable ABI from the newest to the oldest python, code without an
ABI, then pure Python; within each of these the newest system first. A tag that is not in the list never fits.
"""

load(":names.bzl", "parse_python", "python_tag")
load(":platforms.bzl", "PLATFORMS")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

# Formats of binaries of macOS that hold code for a CPU.
_MAC_FORMATS = {
    "arm64": ["arm64", "universal2"],
    "x86_64": ["x86_64", "intel", "fat64", "fat32", "universal2", "universal"],
}

def platform_tags(platform, newest):
    """Lists platform tags, best first.

    Args:
      platform: a key of PLATFORMS.
      newest: dict with the newest version of "glibc", "musl" and "macos" that a wheel may ask for.

    Returns:
      a list such as ["manylinux_2_39_x86_64", ..., "linux_x86_64"].
    """
    about = PLATFORMS[platform]
    if about.family == "windows":
        return ["win_" + about.machine]
    major, minor = [int(part) for part in newest[about.family].split(".")]
    if about.family == "macos":
        return _mac_tags(major, minor, about.machine)
    tags = []
    for old in range(minor, int(about.oldest.split(".")[1]) - 1, -1):
        version = "{}.{}".format(major, old)
        name = "manylinux" if about.family == "glibc" else "musllinux"
        tags.append("{}_{}_{}_{}".format(name, major, old, about.machine))
        if version in about.legacy:
            tags.append("{}_{}".format(about.legacy[version], about.machine))
    return tags + ["linux_" + about.machine]

def _mac_tags(major, minor, machine):
    tags = []
    if major >= 11:
        for old in range(major, 10, -1):
            tags += ["macosx_{}_0_{}".format(old, form) for form in _MAC_FORMATS[machine]]
        major, minor = 10, 16

    # No arm64 before macOS 11, but its Python takes universal2 of any age.
    formats = _MAC_FORMATS[machine] if machine == "x86_64" else ["universal2"]
    for old in range(minor, 3, -1):
        tags += ["macosx_{}_{}_{}".format(major, old, form) for form in formats]
    return tags

def wheel_tags(python, platform, newest):
    """Lists the tags of wheels that fit, best first.

    Args:
      python: `3.11`, `3.11.7` or `3.13t`.
      platform: a key of PLATFORMS.
      newest: see `platform_tags`.

    Returns:
      a struct: `ranks`, a dict from tag ("cp311-abi3-linux_x86_64") to its position; `pythons`, `abis` and `platforms`,
      dicts with the three parts that occur.
    """
    major, minor = parse_python(python)
    own = python_tag(python).removesuffix("t")
    abi = python_tag(python)
    threaded = abi != own
    older = ["{}{}".format(major, old) for old in range(minor - 1, -1, -1)]
    platforms = platform_tags(platform, newest)
    ranks = {}

    # The stable ABI without a lock begins with 3.15 (PEP 803).
    stable = "abi3t" if threaded else "abi3"
    first_stable = 15 if threaded else 2
    pairs = [(own, abi)]
    if minor >= first_stable:
        pairs.append((own, stable))
    pairs.append((own, "none"))
    pairs += [("cp{}{}".format(major, old), stable) for old in range(minor - 1, first_stable - 1, -1)]
    generic = ["py{}{}".format(major, minor), "py{}".format(major)] + ["py" + version for version in older]
    pairs += [(name, "none") for name in generic]
    for interpreter, kind in pairs:
        for tag in platforms:
            ranks["{}-{}-{}".format(interpreter, kind, tag)] = len(ranks)
    for interpreter in [own] + generic:
        ranks[interpreter + "-none-any"] = len(ranks)
    return struct(
        ranks = ranks,
        pythons = {name: None for name, _ in pairs},
        abis = {kind: None for _, kind in pairs},
        platforms = {tag: None for tag in platforms + ["any"]},
    )
