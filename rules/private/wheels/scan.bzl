"""Names of the packages of a lock, without reading it.

Problem: a new Bazel server evaluates the module extension again, for whatever target of the workspace. To read a lock of
2.7 MB and to choose among its 7,000 wheels costs seconds in a server that has not warmed up.
Idea: the extension only declares repositories, and a declaration needs a name: that of a package, and where in the hub its
description stands. The hub, whose files stay on the disk, reads the lock; a repository of a wheel looks its description up there.
Tools write a header and a name on two lines, so one native `split` finds the names; what looks otherwise is read in full.
Invariant: every package of the lock is named. A name too many costs a declaration that nobody fetches. The hub, which has
read the lock, compares (`missed_name`).
Cost: linear in the lock, in native code but for a step per package.
"""

load(":names.bzl", "normalize_name")
load(":read_lock.bzl", "lock_format", "read_lock")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

# Format -> (header and key of a package, what else may begin with two brackets).
_SHAPES = {
    "pylock.toml": ("\n[[packages]]\nname = \"", ["\n[[packages."]),
    "uv.lock": ("\n[[package]]\nname = \"", ["\n[[package.", "\n[[manifest.", "\nconflicts = [["]),
}

def scan_lock(content, file):
    """Finds the names of the packages.

    Args:
      content: text of the lock.
      file: its name, for messages.

    Returns:
      (names, error): a dict from normalized name to how many source archives there may be, one for each version; and None.
      Or None and a text for `fail()`.
    """
    format = lock_format(content, file)
    names = _scan_requirements(content) if format == "requirements.txt" else _scan_tables(content, *_SHAPES[format])
    if names != None:
        return names, None
    lock, error = read_lock(content, file)
    if error:
        return None, error
    names = {}
    for package in lock.packages:
        names[package.name] = names.get(package.name, 0) + 1
    return names, None

def _scan_tables(content, start, others):
    """Returns the names; None when the text has another shape."""
    pieces = content.split(start)
    brackets = content.count("[[") - (len(pieces) - 1)
    for other in others if brackets else []:
        brackets -= content.count(other)
    if brackets:
        return None
    names = {}
    for piece in pieces[1:]:
        name, quote, _ = piece.partition("\"")
        if not quote or not _is_plain(name):
            return None
        name = normalize_name(name)
        names[name] = names.get(name, 0) + (1 if "sdist" in piece or "archive" in piece else 0)
    return names

def _is_plain(name):
    """Tells what could be a name, in native code; more than that is the reader's to judge."""
    return name and not name.strip(_CHARACTERS)

_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

def _scan_requirements(content):
    """Returns whatever stands first on a line and could be a name. Such a lock does not tell source archives from wheels."""
    names = {}
    for line in content.split("\n"):
        line = line.strip()
        if not line or line[0] in "-#":
            continue
        for end in _ENDS:
            line = line.partition(end)[0]
        if _is_plain(line):
            names[normalize_name(line)] = 0
    return names

# What may follow a name.
_ENDS = ["==", "[", " ", "\t", "@", ";", "\\", "<", ">", "!", "~", "="]

def missed_name(names, packages):
    """Tells a package that the scan has not found: the lock then has a shape that nobody thought of.

    Args:
      names: result of `scan_lock`.
      packages: names of the packages that the reader has found.

    Returns:
      a name, or None.
    """
    missed = [name for name in packages if name not in names]
    return missed[0] if missed else None
