"""What an OCI layer is between rules."""

visibility("//rules/...")

def _layer_info_init(*, blob, side_file, wheels = ()):
    for (field, value) in [("blob", blob), ("side_file", side_file)]:
        if type(value) != "File":
            fail("LayerInfo: {}: got {} ({}), expected a File".format(field, repr(value), type(value)))
    return {"blob": blob, "side_file": side_file, "wheels": tuple(wheels)}

LayerInfo, _new_layer_info = provider(
    doc = """One OCI layer. Image actions read the side file and never the blob; media type, digest, size and diff_id are \
in the side file, so they are not known in analysis.""",
    fields = {
        "blob": "File: the layer blob (tar, gzip or zstd).",
        "side_file": "File: JSON of a `rules_inference.sdk.LayerMetadata` message about the blob.",
        "wheels": "tuple of struct (prefix: string, whl: File): the wheels in it, so that an image can check that they agree.",
    },
    init = _layer_info_init,
)

def _layer_group_info_init(*, layers):
    layers = tuple(layers)
    for layer in layers:
        if not (hasattr(layer, "blob") and hasattr(layer, "side_file")):
            fail("LayerGroupInfo: layers: got {}, expected LayerInfo".format(repr(layer)))
    return {"layers": layers}

LayerGroupInfo, _new_layer_group_info = provider(
    doc = "Several OCI layers from one target. Can stand in `layers` where a single layer can.",
    fields = {"layers": "tuple of LayerInfo, bottom first."},
    init = _layer_group_info_init,
)
