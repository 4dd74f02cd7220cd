"""Names of wheels: `name-version(-build)?-python-abi-platform(-variant)?.whl` (PEP 427, 491, 825)."""

load(":names.bzl", "is_name", "normalize_name")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

_LABEL = "abcdefghijklmnopqrstuvwxyz0123456789_."

def parse_wheel_name(file):
    """Parses the file name of a wheel.

    Args:
      file: for example `numpy-2.3.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl`.

    Returns:
      (name, error): a struct (name, version, build, tags, variant): the build tag as (number, text) or None, the tags as a
      list of `python-abi-platform`, the label of a variant or ""; and None. Or None and "got X, expected Y".
    """
    wrong = "got '{}', expected the name of a wheel, name-version-python-abi-platform.whl".format(file)
    parts = file.removesuffix(".whl").split("-")
    if not file.endswith(".whl") or len(parts) < 5 or len(parts) > 7 or "" in parts:
        return None, wrong

    # A build tag begins with a digit, and a python tag does not: this tells the two names of six parts apart.
    has_build = parts[2][0].isdigit()
    if len(parts) == 7 and not has_build:
        return None, wrong
    first = 3 if has_build else 2
    rest = parts[first:]
    if len(rest) not in [3, 4] or rest[0][0].isdigit() or not is_name(parts[0]):
        return None, wrong
    variant = rest[3] if len(rest) == 4 else ""
    if variant.strip(_LABEL):
        return None, wrong
    build = None
    if has_build:
        text = parts[2].lstrip("0123456789")
        build = (int(parts[2][:len(parts[2]) - len(text)]), text)
    columns = [column.lower().split(".") for column in rest[:3]]
    return struct(
        name = normalize_name(parts[0]),
        version = parts[1].replace("_", "-"),
        build = build,
        tags = ["-".join([python, abi, platform]) for python in columns[0] for abi in columns[1] for platform in columns[2]],
        variant = variant,
    ), None
