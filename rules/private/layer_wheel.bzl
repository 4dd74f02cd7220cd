"""The rule `wheel_layer`, and the wheel part that it shares with `wheel_layers`."""

load(
    "//rules/private:layer_action.bzl",
    "LAYER_TOOLCHAIN_TYPE",
    "LEVEL_ATTR",
    "json_format",
    "layer_action",
    "layer_outputs",
    "path_json",
)
load("//rules/private:layer_paths.bzl", "layer_path")
load("//rules/private/providers:layer_info.bzl", "LayerInfo")
load("//rules/private/providers:wheel_info.bzl", "WheelInfo", "WheelSetInfo")

visibility("//rules/...")

WHEEL_ATTRS = LEVEL_ATTR | {
    "compress": attr.string(
        default = "splice",
        doc = "`splice` (default: the wheel's own deflate streams, nothing is compressed again), `auto`, `deflate`, " +
              "`zstd` or `stored`.",
        values = ["auto", "deflate", "splice", "stored", "zstd"],
    ),
    "prefix": attr.string(
        default = "/usr/lib/python3/site-packages",
        doc = "Directory of the image that receives the packages. Default `/usr/lib/python3/site-packages`.",
    ),
}

def wheel_sources(label, targets):
    """The wheels of targets, in order.

    Args:
      label: Label of the layer, for errors.
      targets: list of targets with WheelInfo or with `.whl` files.

    Returns:
      list of struct (size: int, bytes, or 0 where they are not known; whl: File) without repetitions.
    """
    sources = {}
    for target in targets:
        known = [target[WheelInfo]] if WheelInfo in target else target[WheelSetInfo].wheels.to_list() if WheelSetInfo in target else []
        for wheel in known:
            sources[wheel.whl] = wheel.size
        if known:
            continue
        wheels = [file for file in target[DefaultInfo].files.to_list() if file.basename.endswith(".whl")]
        if not wheels:
            fail("{}: wheels: got {}, which has no .whl file; expected a wheel target or a .whl file".format(
                label,
                target.label,
            ))
        for file in wheels:
            sources.setdefault(file, 0)
    return [struct(size = size, whl = file) for file, size in sources.items()]

def wheel_layer_action(ctx, *, name, wheels, what):
    """One layer of wheels.

    Args:
      ctx: rule context with WHEEL_ATTRS.
      name: stem of the outputs.
      wheels: list of Files.
      what: text for the image's history.

    Returns:
      LayerInfo.
    """
    prefix = layer_path(ctx.label, "prefix", ctx.attr.prefix)
    wheel_format = '{"layer":{"wheels":[{"prefix":%s,"source":%%s}]}}' % json_format(prefix)
    return layer_action(
        ctx,
        name = name,
        compress = ctx.attr.compress,
        level = ctx.attr.level,
        inputs = [depset(wheels)],
        fill = lambda args: args.add_all(wheels, map_each = path_json, format_each = wheel_format),
        mnemonic = "WheelLayer",
        wheels = [struct(prefix = prefix, whl = file) for file in wheels],
        what = what,
    )

def _wheel_layer_impl(ctx):
    layer = wheel_layer_action(
        ctx,
        name = ctx.label.name,
        wheels = [source.whl for source in wheel_sources(ctx.label, ctx.attr.wheels)],
        what = "wheel_layer " + ctx.label.name,
    )
    return [layer] + layer_outputs([layer])

wheel_layer = rule(
    implementation = _wheel_layer_impl,
    doc = """One layer of one or more Python wheels, made from the `.whl` files without unpacking them.

Name one `wheel_layer` for each heavy wheel and list it in every image that needs it: its action then runs once for all.""",
    attrs = WHEEL_ATTRS | {
        "wheels": attr.label_list(
            allow_empty = False,
            allow_files = True,
            doc = "Wheel targets or `.whl` files. Two files at one path are an error.",
            mandatory = True,
        ),
    },
    provides = [LayerInfo],
    toolchains = [LAYER_TOOLCHAIN_TYPE],
)
