"""Macro `cuda_toolkit` for WORKSPACE files."""

load(":hub_repository.bzl", "hub_repository")
load(":releases.bzl", "pinned_manifest")

visibility(["//rules"])

def cuda_toolkit(name = "cuda", versions = [], manifests = {}, urls = {}, installed = {}):
    """Makes the repository `name` from releases of the toolkit.

    A WORKSPACE file learns the names of the other repositories in a second step:

        cuda_toolkit(versions = ["13.0"])
        load("@cuda//:install.bzl", "install_cuda")
        install_cuda()
        register_toolchains("@cuda//:all")

    Args:
      name: name of the repository.
      versions: releases, the default first; those of `installed` are added where they are not named.
      manifests: release -> label of its manifest; default: those of rules_inference.
      urls: release -> list of places where archives of its manifest are.
      installed: name -> path of a toolkit that is installed on this machine.
    """
    labels = {}
    for version in versions:
        if version in installed:
            continue
        manifest, error = pinned_manifest(version, manifests.get(version), "cuda_toolkit '{}'".format(name))
        if error:
            fail("\n" + error)
        labels[manifest] = " ".join([labels[manifest], version] if manifest in labels else [version])
    hub_repository(
        name = name,
        hub = name,
        installed = installed,
        manifests = labels,
        urls = urls,
        versions = versions + [version for version in installed if version not in versions],
    )
