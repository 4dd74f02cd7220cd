"""The rules `wheel_layers`, for the wheels of one image, and `wheel_tiers`, for those of several."""

load("//rules/private:layer_action.bzl", "LAYER_TOOLCHAIN_TYPE", "layer_outputs")
load("//rules/private:layer_tiers_plan.bzl", "plan_tiers")
load("//rules/private:layer_wheel.bzl", "WHEEL_ATTRS", "wheel_layer_action", "wheel_sources")
load("//rules/private/providers:layer_info.bzl", "LayerGroupInfo", "LayerInfo")

visibility("//rules/...")

def _stem(file):
    """`numpy-1.26.4` of `numpy-1.26.4-cp311-…whl`: readable, and unique within one lock."""
    return "-".join(file.basename.removesuffix(".whl").split("-")[:2])

def _by_stem(label, sources):
    """Returns a dict from stem to source (see `wheel_sources`)."""
    stems = {}
    for source in sources:
        stem = _stem(source.whl)
        if stems.setdefault(stem, source).whl != source.whl:
            fail("{}: wheels: got {} and {}, expected one wheel for each name and version".format(
                label,
                stems[stem].whl.basename,
                source.whl.basename,
            ))
    return stems

def _check_budget(label, budget, shared, named, light):
    """Automatic layers adapt to the budget; those that the user names cannot."""
    count = shared + named + (1 if light else 0)
    if count > budget:
        fail("{}: budget: got {} layers ({} heavy and {} for the rest), expected at most {}; take {} out of `heavy`".format(
            label,
            count,
            shared + named,
            1 if light else 0,
            budget,
            count - budget,
        ))

def _heavy_bytes(ctx):
    mib = ctx.attr.heavy_mib
    if mib < 0:
        fail("{}: heavy_mib: got {}, expected 0 or more".format(ctx.label, mib))
    return mib * 1024 * 1024

def _wheel_layers_impl(ctx):
    shared = [target[LayerInfo] for target in ctx.attr.heavy if LayerInfo in target]
    heavy = _by_stem(ctx.label, wheel_sources(ctx.label, [target for target in ctx.attr.heavy if LayerInfo not in target]))
    wheels = _by_stem(ctx.label, heavy.values() + wheel_sources(ctx.label, ctx.attr.wheels))

    # What a shared layer holds is not asked for again.
    for layer in shared:
        for wheel in layer.wheels:
            stem = _stem(wheel.whl)
            if stem in wheels and wheels[stem].whl == wheel.whl and stem not in heavy:
                wheels.pop(stem)
    if not shared and not wheels:
        fail("{}: wheels: got no wheel, expected at least one".format(ctx.label))
    _check_budget(ctx.label, ctx.attr.budget, len(shared), len(heavy), len(wheels) > len(heavy))
    plan = plan_tiers(
        {"": wheels.keys()},
        {stem: source.size for stem, source in wheels.items()},
        heavy.keys(),
        _heavy_bytes(ctx),
        ctx.attr.budget - len(shared),
    )
    layers = shared + [
        wheel_layer_action(
            ctx,
            name = "{}/{}".format(ctx.label.name, layer.wheels[0] if layer.heavy else "light"),
            wheels = [wheels[stem].whl for stem in (layer.wheels if layer.heavy else wheels) if stem in layer.wheels],
            what = "wheel " + layer.wheels[0] if layer.heavy else "wheels of " + ctx.label.name,
        )
        for layer in plan[""]
    ]
    return [LayerGroupInfo(layers = layers)] + layer_outputs(layers)

_HEAVY_MIB_DOC = "Wheels of this many MiB and more get a layer of their own, the largest first, as far as `budget` goes. 0: only those " + \
                 "in `heavy`. Sizes are known of wheels of a hub. "

wheel_layers = rule(
    implementation = _wheel_layers_impl,
    doc = """Layers for a set of wheels: one for each heavy wheel, then one for all others, in this order.

Name a `wheel_layer` target, such as `@wheels//torch:layer`, in `heavy` to share its action with other images. Where several \
images have wheels in common, `wheel_tiers` shares the light ones too.""",
    attrs = WHEEL_ATTRS | {
        "budget": attr.int(default = 20, doc = "Greatest number of layers; more are an error. Default 20."),
        "heavy": attr.label_list(
            allow_files = True,
            doc = "Wheels that get a layer of their own, or `wheel_layer` targets that are taken as they are. Default: none.",
        ),
        "heavy_mib": attr.int(default = 0, doc = _HEAVY_MIB_DOC + "Default 0."),
        "wheels": attr.label_list(
            allow_files = True,
            doc = "All other wheels. A wheel that is in `heavy` too is left out here.",
        ),
    },
    provides = [LayerGroupInfo],
    toolchains = [LAYER_TOOLCHAIN_TYPE],
)

_ImageWheelsInfo = provider(
    doc = "The wheels of one image.",
    fields = {"sources": "list of struct, see `wheel_sources`."},
)

def _image_wheels_impl(ctx):
    return [_ImageWheelsInfo(sources = wheel_sources(ctx.label, ctx.attr.wheels))]

_image_wheels = rule(
    implementation = _image_wheels_impl,
    doc = "The wheels of one image, under one name.",
    attrs = {"wheels": attr.label_list(allow_empty = False, allow_files = True, mandatory = True)},
    provides = [_ImageWheelsInfo],
)

_WheelTiersInfo = provider(
    doc = "Layers of wheels of several images.",
    fields = {"images": "dict from image to its list of LayerInfo."},
)

# A file name has 255 bytes.
_MAX_USERS = 120

def _light_name(users):
    name = "light-" + "+".join(users)
    return name if len(name) <= _MAX_USERS else "{}-{}-{}".format(name[:_MAX_USERS - 20], len(users), abs(hash(name)))

def _report(plan):
    """Returns the plan as text: each image with its layers."""
    lines = []
    for image in sorted(plan):
        lines.append("{}: {} layers".format(image, len(plan[image])))
        for layer in plan[image]:
            lines.append("  {} KiB  {}{}".format(
                ("        " + str((layer.bytes + 1023) // 1024))[-9:],
                ", ".join(layer.wheels),
                "" if len(layer.users) == 1 else "  (also in {})".format(", ".join([user for user in layer.users if user != image])),
            ))
    return "\n".join(lines) + "\n"

def _wheel_tiers_impl(ctx):
    images = {image: target[_ImageWheelsInfo] for target, image in ctx.attr.sets.items()}
    heavy = _by_stem(ctx.label, wheel_sources(ctx.label, ctx.attr.heavy))
    wheels = _by_stem(ctx.label, [source for image in images.values() for source in image.sources])
    _by_stem(ctx.label, wheels.values() + heavy.values())
    for stem in heavy:
        if stem not in wheels:
            fail("{}: heavy: got {}, which no image has; expected a wheel of an image".format(ctx.label, stem))
    stems = {image: [_stem(source.whl) for source in info.sources] for image, info in images.items()}
    for mine in stems.values():
        named = len([stem for stem in mine if stem in heavy])
        _check_budget(ctx.label, ctx.attr.budget, 0, named, named < len(mine))
    plan = plan_tiers(
        stems,
        {stem: source.size for stem, source in wheels.items()},
        heavy.keys(),
        _heavy_bytes(ctx),
        ctx.attr.budget,
    )

    made = {}
    layers = {}
    for image in sorted(plan):
        layers[image] = []
        for layer in plan[image]:
            if layer not in made:
                name = layer.wheels[0] if layer.heavy else _light_name(layer.users)
                made[layer] = wheel_layer_action(
                    ctx,
                    name = "{}/{}".format(ctx.label.name, name),
                    wheels = [wheels[stem].whl for stem in layer.wheels],
                    what = "wheel " + name if layer.heavy else "wheels of " + ", ".join(layer.users),
                )
            layers[image].append(made[layer])
    report = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.write(report, _report(plan))
    return [
        DefaultInfo(files = depset([report])),
        OutputGroupInfo(blob = depset([layer.blob for layer in made.values()])),
        _WheelTiersInfo(images = layers),
    ]

_wheel_tiers = rule(
    implementation = _wheel_tiers_impl,
    doc = "Plans and makes the layers of wheels of several images; see the macro `wheel_tiers`.",
    attrs = WHEEL_ATTRS | {
        "budget": attr.int(default = 20, doc = "Greatest number of layers of wheels of an image. Default 20."),
        "heavy": attr.label_list(allow_files = True, doc = "Wheels that get a layer of their own whatever their size. Default: none."),
        "heavy_mib": attr.int(default = 16, doc = _HEAVY_MIB_DOC + "Default 16."),
        "sets": attr.label_keyed_string_dict(mandatory = True, providers = [_ImageWheelsInfo]),
    },
    provides = [_WheelTiersInfo],
    toolchains = [LAYER_TOOLCHAIN_TYPE],
)

def _wheel_tier_impl(ctx):
    layers = ctx.attr.tiers[_WheelTiersInfo].images[ctx.attr.image]
    return [LayerGroupInfo(layers = layers)] + layer_outputs(layers)

_wheel_tier = rule(
    implementation = _wheel_tier_impl,
    doc = "The layers of one image of `wheel_tiers`.",
    attrs = {
        "image": attr.string(mandatory = True),
        "tiers": attr.label(mandatory = True, providers = [_WheelTiersInfo]),
    },
    provides = [LayerGroupInfo],
)

def wheel_tiers(name, images, **kwargs):
    """Layers of wheels for several images, which share all that they have in common.

    A heavy wheel has a layer of its own; light wheels that the same images have share one. So no image gets a wheel that it does not
    ask for. Builds `NAME`, a text that shows the plan with sizes, and for each image `NAME_IMAGE`, its layers: name it in `layers` of
    its `oci_image`. Whoever builds one image fetches the wheels of all.

    Args:
      name: of the target.
      images: dict from the image's name to the list of its wheels, such as `@wheels//torch:deps`.
      **kwargs: `heavy` (list of wheels; default none), `heavy_mib` (int, MiB; default 16), `budget` (int, layers of wheels of one
        image; default 20), `prefix` and `compress` as in `wheel_layer`, and what all rules have, such as `visibility` and `tags`.
    """
    common = {key: kwargs[key] for key in ["tags", "target_compatible_with", "testonly", "visibility"] if key in kwargs}
    for image in images:
        _image_wheels(name = "{}_{}_wheels".format(name, image), wheels = images[image], **(common | {"visibility": ["//visibility:private"]}))
        _wheel_tier(name = "{}_{}".format(name, image), image = image, tiers = ":" + name, **common)
    _wheel_tiers(name = name, sets = {":{}_{}_wheels".format(name, image): image for image in images}, **kwargs)
