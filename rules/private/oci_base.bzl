"""OCI layouts of `oci_image` and from elsewhere: what they are built on, and what is pushed."""

load("//rules/private/providers:oci_image_info.bzl", "OciImageInfo")

visibility("//rules/private/...")

def layout_of(label, attribute, target):
    """The OCI layout that a target is.

    Args:
      label: Label of the target that wants it, for errors.
      attribute: name of the attribute that names it, for errors.
      target: an `oci_image`, or a target with one directory, or with the files of a layout.

    Returns:
      struct of `files` (depset of File) and `marker` (File: the directory, or `oci-layout` in it).
    """
    if OciImageInfo in target:
        layout = target[OciImageInfo].layout
        return struct(files = depset([layout]), marker = layout)
    files = target[DefaultInfo].files.to_list()
    if len(files) == 1 and files[0].is_directory:
        return struct(files = target[DefaultInfo].files, marker = files[0])
    markers = [file for file in files if file.basename == "oci-layout"]
    if len(markers) != 1:
        fail("{}: {}: got {} with {} files named oci-layout among {}, expected an oci_image, one OCI layout directory, or all files of one OCI layout".format(
            label,
            attribute,
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
    return struct(documents = None, imported = layout_of(label, "base", target), layers = [])
