"""The one action that makes a layer blob and its side file, for all layer rules."""

load("//rules/private:plugin_action.bzl", "plugin_args", "run_plugin")
load("//rules/private/providers:layer_info.bzl", "LayerInfo")

visibility("//rules/private/...")

LAYER_TOOLCHAIN_TYPE = "//toolchains/layer:toolchain_type"

# Name in `compress` -> mode of the plugin's request and extension of the blob.
_MODES = {
    "auto": struct(mode = "DEFLATE", extension = "tar.gz"),
    "deflate": struct(mode = "DEFLATE", extension = "tar.gz"),
    "splice": struct(mode = "SPLICE", extension = "tar.gz"),
    "stored": struct(mode = "STORED", extension = "tar"),
    "zstd": struct(mode = "ZSTD", extension = "tar.zst"),
}

# Paths without the configuration in them make equal actions of different configurations one action in a cache. Such an
# action runs in no worker, and a layer gains more from a cache than from a process that is there already.
MAPPED_PATHS = {"supports-path-mapping": "1"}

# Highest `level` of each mode; 0 is the default of the mode.
_MAX_LEVEL = {"DEFLATE": 12, "SPLICE": 0, "STORED": 0, "ZSTD": 19}

# The plugin gets as many threads as the action reserves; their number never changes the bytes.
_THREADS = 2

LEVEL_ATTR = {
    "level": attr.int(
        default = 0,
        doc = "Compression level: 1 to 12 for `deflate`, 1 to 19 for `zstd`; 0 (default) is 6 and 3.",
    ),
}

def _resources(_os, _inputs_size):
    return {"cpu": _THREADS, "memory": 128}

def json_format(text):
    """`text` as a JSON string that can stand in `format_each` of Args.

    Args:
      text: any string.

    Returns:
      JSON with quotes, '%' doubled.
    """
    return json.encode(text).replace("%", "%%")

def path_json(file):
    """`map_each` callback: the path of a File as JSON; inside a callback paths are mapped by Bazel."""
    return json.encode(file.path)

def add_path(args, format, file):
    """Adds `format` with the JSON path of one File in it.

    Args:
      args: Args.
      format: JSON fragment with one %s.
      file: File; a directory is named, not listed.
    """
    args.add_all([file], map_each = path_json, format_each = format, expand_directories = False)

def layer_action(ctx, *, name, compress, level, inputs, fill, mnemonic, what, wheels = []):
    """Makes one layer.

    Args:
      ctx: rule context with the layer toolchain.
      name: stem of the output names.
      compress: a key of the modes: auto, deflate, splice, stored, zstd.
      level: compression level or 0.
      inputs: list of depsets of the inputs.
      fill: function that adds the request's fragments for wheels or files to the Args it gets.
      mnemonic: of the action.
      what: text for `created_by` in the image's history.
      wheels: what LayerInfo says of the wheels in it.

    Returns:
      LayerInfo.
    """
    mode = _MODES[compress]
    if level < 0 or level > _MAX_LEVEL[mode.mode]:
        fail("{}: level: got {}, expected 0 to {} for compress = {}".format(
            ctx.label,
            level,
            _MAX_LEVEL[mode.mode],
            repr(compress),
        ))
    blob = ctx.actions.declare_file("{}.{}".format(name, mode.extension))
    side_file = ctx.actions.declare_file("{}.layer.json".format(name))

    args = plugin_args(ctx)
    add_path(args, '{"layer":{"output":%s}}', blob)
    add_path(args, '{"layer":{"sideFile":%s}}', side_file)
    args.add(json.encode({"layer": {
        "createdBy": what,
        "level": level,
        "mode": mode.mode,
        "threads": _THREADS,
    }}))
    fill(args)

    run_plugin(
        ctx,
        toolchain_type = LAYER_TOOLCHAIN_TYPE,
        args = args,
        inputs = depset(transitive = inputs),
        outputs = [blob, side_file],
        mnemonic = mnemonic,
        progress_message = "Layer %{output}",
        execution_requirements = MAPPED_PATHS,
        resource_set = _resources,
    )
    return LayerInfo(blob = blob, side_file = side_file, wheels = wheels)

def layer_outputs(layers):
    """DefaultInfo and OutputGroupInfo of a layer target.

    Args:
      layers: list of LayerInfo.

    Returns:
      list of providers.
    """
    blobs = depset([layer.blob for layer in layers])
    side_files = depset([layer.side_file for layer in layers])
    return [DefaultInfo(files = blobs), OutputGroupInfo(blob = blobs, side_file = side_files)]
