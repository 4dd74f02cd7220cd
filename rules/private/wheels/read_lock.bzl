"""Reads a lock of any of the formats: the format is told by the name of the file, then by its text."""

load(":pylock.bzl", "read_pylock")
load(":requirements_lock.bzl", "read_requirements")
load(":uv_lock.bzl", "read_uv_lock")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

_READERS = {
    "pylock.toml": read_pylock,
    "requirements.txt": read_requirements,
    "uv.lock": read_uv_lock,
}

def lock_format(content, file):
    """Tells the format of a lock.

    Args:
      content: text of the file.
      file: its name or label.

    Returns:
      "requirements.txt", "uv.lock" or "pylock.toml".
    """
    name = file.split("/")[-1].split(":")[-1]
    if name.startswith("pylock.") and name.endswith(".toml"):
        return "pylock.toml"
    if name.endswith("uv.lock") or name.endswith(".py.lock"):
        return "uv.lock"
    if name.endswith(".txt"):
        return "requirements.txt"

    # Both TOML formats say their version before anything else.
    for line in content.split("\n", 100):
        if line.startswith("lock-version"):
            return "pylock.toml"
        if line.startswith("version = "):
            return "uv.lock"
    return "requirements.txt"

def read_lock(content, file):
    """Reads a lock.

    Args:
      content: text of the file.
      file: its name, for messages.

    Returns:
      (lock, error): a model (model.bzl) and None, or None and a text for `fail()`.
    """
    return _READERS[lock_format(content, file)](content, file)
