"""Macro `wheels_lock` for WORKSPACE files."""

load(":hub_repository.bzl", "hub_repository")

visibility(["//rules"])

def wheels_lock(name, file, **kwargs):
    """Makes the repository `name` from a lock of wheels.

    A WORKSPACE file learns the names of the wheel repositories in a second step:

        wheels_lock(name = "wheels", file = "//:requirements.lock.txt")
        load("@wheels//:install.bzl", "install_wheels")
        install_wheels()

    Args:
      name: name of the repository.
      file: requirements.txt with hashes, uv.lock or pylock.toml.
      **kwargs: pythons, platforms, extras, groups, newest; as of the tag `wheels.lock` of the module extension.
    """
    hub_repository(name = name, hub = name, file = file, **kwargs)
