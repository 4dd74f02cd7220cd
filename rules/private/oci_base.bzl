"""Base images: images of `oci_image`, or OCI layouts from elsewhere."""

load("//rules/private/providers:oci_image_info.bzl", "OciImageInfo")

visibility("//rules/private/...")

def _imported(label, target):
    files = target[DefaultInfo].files.to_list()
    if len(files) == 1 and files[0].is_directory:
        return struct(files = target[DefaultInfo].files, marker = files[0])
    markers = [file for file in files if file.basename == "oci-layout"]
    if len(markers) != 1:
        fail("{}: base: got {} with {} files named oci-layout among {}, expected an oci_image, one OCI layout directory, or all files of one OCI layout".format(
            label,
            target.label,
            len(markers),
            len(files),
        ))
    return struct(files = target[DefaultInfo].files, marker = markers[0])

def resolve_base(label, target):
    """What an image takes from its base.

    Args:
      label: Label of the image, for errors.
      target: the `base` target or None.

    Returns:
      struct of `layers` (list of LayerInfo that were built here), `imported` (struct of an imported layout, or None) and
      `documents` (OciImageInfo whose config and manifest describe the base, or None).
    """
    if not target:
        return struct(documents = None, imported = None, layers = [])
    if OciImageInfo in target:
        info = target[OciImageInfo]
        return struct(documents = info, imported = info.base, layers = list(info.layers))
    return struct(documents = None, imported = _imported(label, target), layers = [])
