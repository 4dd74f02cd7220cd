"""Macro `wheels_lock` for WORKSPACE files."""

load(":hub_repository.bzl", "hub_repository")
load(":platforms.bzl", "DEFAULT_PLATFORMS", "DEFAULT_PYTHONS")

visibility(["//rules"])

def wheels_lock(name, file, pythons = DEFAULT_PYTHONS, platforms = DEFAULT_PLATFORMS):
    """Makes the repository `name` from a lock of wheels.

    A WORKSPACE file learns the names of the wheel repositories in a second step:

        wheels_lock(name = "wheels", file = "//:requirements.lock.txt")
        load("@wheels//:install.bzl", "install_wheels")
        install_wheels()

    Args:
      name: name of the repository.
      file: requirements.txt with hashes.
      pythons: versions of CPython; the first one is the default.
      platforms: names of platforms.
    """
    hub_repository(name = name, hub = name, file = file, pythons = pythons, platforms = platforms)
