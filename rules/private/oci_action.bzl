"""Requests about images, shared by `oci_image` and `oci_load`."""

load("//rules/private:layer_action.bzl", "add_path", "path_json")

visibility("//rules/private/...")

# The layout links blobs by absolute paths of this machine and reads none of them: Bazel follows the links and takes the
# digests it already knows. In a sandbox, on a remote worker or from a cache the links would lead nowhere or become copies.
LAYOUT_REQUIREMENTS = {
    "local": "1",
    "no-cache": "1",
    "no-remote": "1",
    "no-sandbox": "1",
    # A worker may have a sandbox of its own.
    "supports-multiplex-workers": "0",
    "supports-workers": "0",
}

def _layout_root(file):
    # `marker` is the layout directory itself, or the file `oci-layout` in it.
    return json.encode(file.path if file.is_directory else file.dirname)

def add_base_layout(args, kind, base):
    """Names an imported base layout in a request.

    Args:
      args: Args.
      kind: "image", "layout" or "archive".
      base: struct of OciImageInfo.base, or None.
    """
    if base:
        args.add_all(
            [base.marker],
            map_each = _layout_root,
            format_each = '{"%s":{"baseLayout":%%s}}' % kind,
            expand_directories = False,
        )

def _layer_json(layer):
    return json.encode({"blob": layer.blob.path, "sideFile": layer.side_file.path})

def add_layers(args, kind, layers):
    """Names blobs with their side files in a request.

    Args:
      args: Args.
      kind: "layout" or "archive".
      layers: list of LayerInfo, bottom first.
    """
    args.add_all(layers, map_each = _layer_json, format_each = '{"%s":{"layers":[%%s]}}' % kind)

def add_documents(args, kind, image):
    """Names config and manifest of an image in a request.

    Args:
      args: Args.
      kind: "layout" or "archive".
      image: struct with the Files `config` and `manifest`.
    """
    add_path(args, '{"%s":{"config":%%s}}' % kind, image.config)
    add_path(args, '{"%s":{"manifest":%%s}}' % kind, image.manifest)

def add_side_files(args, layers):
    """Names the side files of the layers of an image request.

    Args:
      args: Args.
      layers: list of LayerInfo, bottom first.
    """
    args.add_all(
        [layer.side_file for layer in layers],
        map_each = path_json,
        format_each = '{"image":{"layerSideFiles":[%s]}}',
        # The same layer may be listed twice on purpose.
        uniquify = False,
    )
