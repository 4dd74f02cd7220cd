"""The rule `wheel_layers`: heavy wheels get a layer each, light ones share one."""

load("//rules/private:layer_action.bzl", "LAYER_TOOLCHAIN_TYPE", "layer_outputs")
load("//rules/private:layer_wheel.bzl", "WHEEL_ATTRS", "wheel_files", "wheel_layer_action")
load("//rules/private/providers:layer_info.bzl", "LayerGroupInfo", "LayerInfo")

visibility("//rules/...")

def _stem(file):
    """`numpy-1.26.4` of `numpy-1.26.4-cp311-…whl`: readable, and unique within one lock."""
    return "-".join(file.basename.removesuffix(".whl").split("-")[:2])

def _wheel_layers_impl(ctx):
    layers = [target[LayerInfo] for target in ctx.attr.heavy if LayerInfo in target]
    heavy = wheel_files(ctx.label, [target for target in ctx.attr.heavy if LayerInfo not in target])
    is_heavy = {file: None for file in heavy}
    light = [file for file in wheel_files(ctx.label, ctx.attr.wheels) if file not in is_heavy]

    count = len(layers) + len(heavy) + (1 if light else 0)
    if count == 0:
        fail("{}: wheels: got no wheel, expected at least one".format(ctx.label))
    if count > ctx.attr.budget:
        fail("{}: budget: got {} layers ({} heavy and {} for the rest), expected at most {}; take {} out of `heavy`".format(
            ctx.label,
            count,
            len(layers) + len(heavy),
            1 if light else 0,
            ctx.attr.budget,
            count - ctx.attr.budget,
        ))

    stems = {}
    for file in heavy:
        stem = _stem(file)
        if stem in stems:
            fail("{}: heavy: got {} and {}, expected one wheel for each name and version".format(
                ctx.label,
                stems[stem].basename,
                file.basename,
            ))
        stems[stem] = file
    layers.extend([
        wheel_layer_action(ctx, name = ctx.label.name + "/" + stem, wheels = [file], what = "wheel " + stem)
        for (stem, file) in stems.items()
    ])
    if light:
        layers.append(wheel_layer_action(
            ctx,
            name = ctx.label.name + "/light",
            wheels = light,
            what = "wheels of " + ctx.label.name,
        ))
    return [LayerGroupInfo(layers = layers)] + layer_outputs(layers)

wheel_layers = rule(
    implementation = _wheel_layers_impl,
    doc = """Layers for a set of wheels: one for each wheel in `heavy`, then one for all others, in this order.

Sizes are not known in analysis, so heavy wheels are named. Name a `wheel_layer` target in `heavy` to share its action \
with other images.""",
    attrs = WHEEL_ATTRS | {
        "budget": attr.int(default = 20, doc = "Greatest number of layers; more are an error. Default 20."),
        "heavy": attr.label_list(
            allow_files = True,
            doc = "Wheels that get a layer of their own, or `wheel_layer` targets that are taken as they are. Default: none.",
        ),
        "wheels": attr.label_list(
            allow_files = True,
            doc = "All other wheels. A wheel that is in `heavy` too is left out here.",
        ),
    },
    provides = [LayerGroupInfo],
    toolchains = [LAYER_TOOLCHAIN_TYPE],
)
