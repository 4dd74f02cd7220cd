"""The rule `oci_image`."""

load("//rules/private:layer_action.bzl", "LAYER_TOOLCHAIN_TYPE", "MAPPED_PATHS", "add_path", "json_format")
load("//rules/private:oci_action.bzl", "LAYOUT_REQUIREMENTS", "add_base_layout", "add_documents", "add_layers", "add_side_files")
load("//rules/private:oci_attrs.bzl", "OCI_IMAGE_ATTRS", "image_settings")
load("//rules/private:oci_base.bzl", "resolve_base")
load("//rules/private:plugin_action.bzl", "plugin_args", "run_plugin")
load("//rules/private/providers:layer_info.bzl", "LayerGroupInfo", "LayerInfo")
load("//rules/private/providers:oci_image_info.bzl", "OciImageInfo")

visibility("//rules/...")

def _own_layers(targets):
    layers = []
    for target in targets:
        layers.extend(target[LayerGroupInfo].layers if LayerGroupInfo in target else [target[LayerInfo]])
    return layers

def _manifest_action(ctx, base, layers):
    """Config, manifest and index from side files; no layer blob is an input."""
    name = ctx.label.name
    outputs = {
        "configOutput": ctx.actions.declare_file(name + ".config.json"),
        "indexOutput": ctx.actions.declare_file(name + ".index.json"),
        "manifestOutput": ctx.actions.declare_file(name + ".manifest.json"),
        "sideFile": ctx.actions.declare_file(name + ".image.json"),
    }
    args = plugin_args(ctx)
    for (field, file) in outputs.items():
        add_path(args, '{"image":{"%s":%%s}}' % field, file)
    args.add(json.encode({"image": image_settings(ctx)}))
    add_side_files(args, layers)

    inputs = [depset([layer.side_file for layer in layers])]
    if base.documents:
        add_path(args, '{"image":{"baseConfig":%s}}', base.documents.config)
        add_path(args, '{"image":{"baseManifest":%s}}', base.documents.manifest)
        inputs.append(depset([base.documents.config, base.documents.manifest]))
    elif base.imported:
        add_base_layout(args, "image", base.imported)
        inputs.append(base.imported.files)

    run_plugin(
        ctx,
        toolchain_type = LAYER_TOOLCHAIN_TYPE,
        args = args,
        inputs = depset(transitive = inputs),
        outputs = outputs.values(),
        mnemonic = "OciManifest",
        progress_message = "Image manifest of %{label}",
        execution_requirements = MAPPED_PATHS,
    )
    return struct(
        config = outputs["configOutput"],
        index = outputs["indexOutput"],
        manifest = outputs["manifestOutput"],
        side_file = outputs["sideFile"],
    )

def _layout_action(ctx, base, layers, documents):
    layout = ctx.actions.declare_directory(ctx.label.name)
    args = plugin_args(ctx)
    add_path(args, '{"layout":{"output":%s}}', layout)
    add_documents(args, "layout", documents)
    add_path(args, '{"layout":{"index":%s}}', documents.index)
    add_layers(args, "layout", layers)
    add_base_layout(args, "layout", base.imported)
    run_plugin(
        ctx,
        toolchain_type = LAYER_TOOLCHAIN_TYPE,
        args = args,
        inputs = depset(
            [documents.config, documents.index, documents.manifest] +
            [layer.blob for layer in layers] +
            [layer.side_file for layer in layers],
            transitive = [base.imported.files] if base.imported else [],
        ),
        outputs = [layout],
        mnemonic = "OciLayout",
        progress_message = "OCI layout %{label}",
        execution_requirements = LAYOUT_REQUIREMENTS,
    )
    return layout

def _check_action(ctx, layers):
    """Checks that no file of a wheel hides another's in a lower layer; within a layer that is an error already.

    Returns:
      list of Files that exist when all is well.
    """
    if len([layer for layer in layers if layer.wheels]) < 2:
        return []
    report = ctx.actions.declare_file(ctx.label.name + ".wheels.json")
    wheels = {wheel: None for layer in layers for wheel in layer.wheels}.keys()
    args = plugin_args(ctx)
    add_path(args, '{"check":{"output":%s}}', report)
    for wheel in wheels:
        add_path(args, '{"check":{"wheels":[{"prefix":%s,"source":%%s}]}}' % json_format(wheel.prefix), wheel.whl)
    run_plugin(
        ctx,
        toolchain_type = LAYER_TOOLCHAIN_TYPE,
        args = args,
        inputs = depset([wheel.whl for wheel in wheels]),
        outputs = [report],
        mnemonic = "CheckWheels",
        progress_message = "Checking the wheels of %{label}",
        execution_requirements = MAPPED_PATHS,
    )
    return [report]

def _oci_image_impl(ctx):
    base = resolve_base(ctx.label, ctx.attr.base)
    own_layers = _own_layers(ctx.attr.layers)
    documents = _manifest_action(ctx, base, own_layers)
    layers = base.layers + own_layers
    layout = _layout_action(ctx, base, layers, documents)
    return [
        DefaultInfo(files = depset([layout])),
        OciImageInfo(
            layout = layout,
            config = documents.config,
            manifest = documents.manifest,
            index = documents.index,
            side_file = documents.side_file,
            layers = layers,
            base = base.imported,
        ),
        OutputGroupInfo(
            _validation = depset(_check_action(ctx, layers)),
            config = depset([documents.config]),
            index = depset([documents.index]),
            layers = depset([layer.blob for layer in layers]),
            manifest = depset([documents.manifest]),
            side_files = depset([documents.side_file] + [layer.side_file for layer in layers]),
        ),
    ]

oci_image = rule(
    implementation = _oci_image_impl,
    doc = """An OCI image for one platform, as an OCI layout directory.

Two actions: `OciManifest` writes config, manifest and index from side files, `OciLayout` links everything together. A \
change of one layer runs that layer's action and these two, and reads no other blob. Output groups: `config`, \
`manifest`, `index`, `layers` (blobs), `side_files`.""",
    attrs = OCI_IMAGE_ATTRS,
    provides = [OciImageInfo],
    toolchains = [LAYER_TOOLCHAIN_TYPE],
)
