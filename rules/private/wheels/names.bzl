"""Names of packages, pythons and the repositories made from them."""

visibility(["//rules/...", "//tests/wheels/..."])

def normalize_name(name):
    """Returns `name` as PEP 503 has it: lower case, runs of `-`, `_` and `.` become one `-`."""
    words = name.lower().replace("_", "-").replace(".", "-").split("-")
    return "-".join([word for word in words if word])

def is_name(name):
    """Checks a distribution name by PEP 508: letters, digits, and `._-` inside.

    Args:
      name: the name.

    Returns:
      whether it is one.
    """
    for char in name.elems():
        if not (char.isalnum() or char in "._-"):
            return False
    return name != "" and name[0].isalnum() and name[-1].isalnum()

def is_version(version):
    """Checks that a text has only characters of a PEP 440 version, and is safe in a command line.

    Args:
      version: the text.

    Returns:
      whether it has.
    """
    for char in version.elems():
        if not (char.isalnum() or char in ".+!_-"):
            return False
    return version != "" and version[0].isalnum()

def parse_python(python):
    """Parses a python such as `3.11`.

    Args:
      python: the text.

    Returns:
      (major, minor), or None when it is not of that form.
    """
    parts = python.split(".")
    if len(parts) != 2 or not parts[0].isdigit() or not parts[1].isdigit():
        return None
    return (int(parts[0]), int(parts[1]))

def python_tag(python):
    """Returns the tag of CPython `python`: "3.11" -> "cp311"."""
    return "cp" + python.replace(".", "")

def config_name(python, platform):
    """Returns the name of the pair (python, platform): "cp311_linux_x86_64"."""
    return python_tag(python) + "_" + platform

def repository_name(hub, package, python, platform):
    """Returns the name of the repository of one wheel: "wheels_numpy_cp311_linux_x86_64"."""
    return "_".join([hub, package.replace("-", "_"), config_name(python, platform)])
