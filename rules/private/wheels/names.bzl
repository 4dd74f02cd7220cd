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
    """Parses a python such as `3.11`, `3.11.7`, or `3.13t` (free-threaded).

    Args:
      python: the text.

    Returns:
      (major, minor), or None when it is not of that form.
    """
    parts = python.removesuffix("t").split(".")
    if len(parts) not in [2, 3] or [part for part in parts if not part.isdigit()]:
        return None
    return (int(parts[0]), int(parts[1]))

def python_tag(python):
    """Returns the tag of CPython `python`: "3.11" -> "cp311", "3.13.1t" -> "cp313t"."""
    suffix = "t" if python.endswith("t") else ""
    return "cp" + "".join(python.removesuffix("t").split(".")[:2]) + suffix

def config_name(python, platform):
    """Returns the name of the pair (python, platform): "cp311_linux_x86_64"."""
    return python_tag(python) + "_" + platform

def sdist_slot(number):
    """Returns the slot of a source archive; versions of a package are numbered in the order of the lock."""
    return "sdist_{}".format(number)

def repository_name(hub, package, slot):
    """Returns the name of the repository of one file of a package: "wheels_numpy_cp311_linux_x86_64".

    Args:
      hub: name of the hub.
      package: normalized name.
      slot: which file: the first configuration that uses it.

    Returns:
      the name.
    """
    return "_".join([hub, package.replace("-", "_"), slot])
