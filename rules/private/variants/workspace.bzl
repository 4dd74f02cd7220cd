"""Macros `variants_artifact` and `variants_hosts` for WORKSPACE files."""

load(":hosts_repository.bzl", "hosts_repository")
load(":hub_repository.bzl", "hub_repository")

visibility(["//rules"])

def variants_artifact(name, lock, chain = [], devices = "", fallback = True):
    """Makes the repository `name` from a lock of variants.

    A WORKSPACE file learns the names of the archive repositories in a second step:

        variants_artifact(name = "super_stt", lock = "//:super_stt.lock.json")
        load("@super_stt//:install.bzl", "install_variants")
        install_variants()

    Args:
      name: name of the repository.
      lock: variants.lock.json.
      chain: variants to try, in this order, after the requested one; default: those that fit, best first.
      devices: "all" or "any" device of the host; default: the flag.
      fallback: False for the first of the chain only.
    """
    hub_repository(name = name, hub = name, lock = lock, chain = chain, devices = devices, fallback = fallback)

def variants_hosts(name, files):
    """Makes the repository `name` from host descriptors: `hosts/h200.json` is `@name//:h200`.

    Args:
      name: name of the repository.
      files: labels of JSON files that `inferctl detect` has written.
    """
    hosts_repository(name = name, files = files)
