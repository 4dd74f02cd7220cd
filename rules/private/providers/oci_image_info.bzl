"""What an OCI image is between rules."""

visibility("//rules/...")

def _oci_image_info_init(*, layout, config, manifest, index, side_file, layers, base = None):
    files = {"layout": layout, "config": config, "manifest": manifest, "index": index, "side_file": side_file}
    for (field, value) in files.items():
        if type(value) != "File":
            fail("OciImageInfo: {}: got {} ({}), expected a File".format(field, repr(value), type(value)))
    return files | {"base": base, "layers": tuple(layers)}

OciImageInfo, _new_oci_image_info = provider(
    doc = "One OCI image for one platform.",
    fields = {
        "base": "struct of an imported base layout (`marker`: File `oci-layout` or the layout directory; " +
                "`files`: depset of File, default order), or None when all layers were built here.",
        "config": "File: the image config JSON.",
        "index": "File: the `index.json` of the layout.",
        "layers": "tuple of LayerInfo, bottom first: all layers of the image that were built here.",
        "layout": "File: tree artifact with the OCI layout; layer blobs in it are symbolic links.",
        "manifest": "File: the image manifest JSON.",
        "side_file": "File: JSON of a `rules_inference.sdk.ImageMetadata` message (digests and sizes).",
    },
    init = _oci_image_info_init,
)
