"""The releases of the toolkit that are pinned here; a team adds others by `manifest`."""

load("//rules/private/wheels:errors.bzl", "error_text")

visibility(["//rules/private/cuda/toolkit", "//tests/cuda/..."])

RELEASES = {
    version: Label("//toolchains/cuda/manifests:{}.json".format(version))
    for version in ["12.9", "13.0", "13.2"]
}

def pinned_manifest(version, manifest, where):
    """Finds the manifest of a release.

    Args:
      version: the release.
      manifest: the user's own manifest, or None.
      where: who declares it, for messages.

    Returns:
      (manifest, error): its label, or None and the text of what is wrong.
    """
    if manifest or version in RELEASES:
        return manifest or RELEASES[version], None
    return None, error_text(
        "cuda.toolkit",
        where,
        "version '{}'".format(version),
        "one of " + ", ".join(sorted(RELEASES)),
        "for another release write a manifest with toolchains/cuda/manifests/make_manifest.py and name it in `manifest`",
    )
