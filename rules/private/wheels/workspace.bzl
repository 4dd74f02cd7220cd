"""Macro `wheels_lock` for WORKSPACE files."""

load(":hub_repository.bzl", "hub_repository")

visibility(["//rules"])

def _main(label):
    """A label of the main repository, which the hub sees by another name than a WORKSPACE file does."""
    return "@" + label if type(label) == "string" and label.startswith("//") else str(label)

def wheels_lock(name, file, overrides = {}, **kwargs):
    """Makes the repository `name` from a lock of wheels.

    A WORKSPACE file learns the names of the wheel repositories in a second step:

        wheels_lock(name = "wheels", file = "//:requirements.lock.txt")
        load("@wheels//:install.bzl", "install_wheels")
        install_wheels()

    Args:
      name: name of the repository.
      file: requirements.txt with hashes, uv.lock or pylock.toml.
      overrides: dict from package to the label that is used instead of its wheel, as of the tag `wheels.lock`.
      **kwargs: pythons, platforms, extras, groups, newest; as of the tag `wheels.lock` of the module extension.
    """
    overrides = {package: _main(label) for package, label in overrides.items()}
    hub_repository(name = name, hub = name, file = file, overrides = overrides, **kwargs)
