"""The rule `oci_model`."""

load("//rules/private:layer_action.bzl", "LAYER_TOOLCHAIN_TYPE", "MAPPED_PATHS", "add_path")
load("//rules/private:oci_action.bzl", "LAYOUT_REQUIREMENTS")
load("//rules/private:plugin_action.bzl", "plugin_args", "run_plugin")
load("//rules/private/providers:model_info.bzl", "ModelInfo")

visibility("//rules/...")

def _request(ctx, row):
    return json.encode({"model": {
        "annotations": [{"key": key, "value": ctx.attr.annotations[key]} for key in sorted(ctx.attr.annotations)],
        "licence": row.get("licence", ""),
        "name": row["name"],
        "refName": ctx.attr.ref_name,
        "revision": row.get("revision", ""),
        "source": row.get("source", ""),
        "variant": row.get("variant", ""),
    }})

def _pin(pin):
    return {
        "digest": "sha256:" + pin["sha256"],
        "format": pin["format"],
        "path": pin["path"],
        # Canonical JSON writes 64-bit numbers as texts.
        "size": str(pin.get("size", 0)),
    }

def _documents(ctx, row):
    """Config, manifest and index; they follow from the lock, so no file of the model is an input."""
    outputs = {
        "configOutput": ctx.actions.declare_file(ctx.label.name + ".config.json"),
        "indexOutput": ctx.actions.declare_file(ctx.label.name + ".index.json"),
        "manifestOutput": ctx.actions.declare_file(ctx.label.name + ".manifest.json"),
    }
    args = plugin_args(ctx)
    for field, file in outputs.items():
        add_path(args, '{"model":{"%s":%%s}}' % field, file)
    args.add(_request(ctx, row))
    for pin in row["files"]:
        args.add(json.encode({"model": {"files": [_pin(pin)]}}))
    run_plugin(
        ctx,
        toolchain_type = LAYER_TOOLCHAIN_TYPE,
        args = args,
        inputs = depset(),
        outputs = outputs.values(),
        mnemonic = "OciModel",
        progress_message = "Model artifact %{label}",
        execution_requirements = MAPPED_PATHS,
    )
    return outputs

def _layout(ctx, row, files):
    """The layout, which links to the files."""
    layout = ctx.actions.declare_directory(ctx.label.name)
    args = plugin_args(ctx)
    add_path(args, '{"model":{"layoutOutput":%s}}', layout)
    args.add(_request(ctx, row))
    for pin, item in zip(row["files"], files):
        if pin["path"] != item.path:
            fail("{}: model: got {}, expected the files of its lock".format(ctx.label, item.path))
        args.add(json.encode({"model": {"files": [_pin(pin) | {"source": item.file.path}]}}))
    run_plugin(
        ctx,
        toolchain_type = LAYER_TOOLCHAIN_TYPE,
        args = args,
        inputs = depset([item.file for item in files]),
        outputs = [layout],
        mnemonic = "OciModelLayout",
        progress_message = "OCI layout %{label}",
        execution_requirements = LAYOUT_REQUIREMENTS,
    )
    return layout

def _oci_model_impl(ctx):
    info = ctx.attr.model[ModelInfo]
    row = json.decode(info.row)
    documents = _documents(ctx, row)
    files = documents.values() if info.reference else [_layout(ctx, row, info.files)]
    return [
        DefaultInfo(files = depset(files)),
        OutputGroupInfo(
            config = depset([documents["configOutput"]]),
            index = depset([documents["indexOutput"]]),
            manifest = depset([documents["manifestOutput"]]),
        ),
    ]

oci_model = rule(
    implementation = _oci_model_impl,
    doc = """A model as an OCI artifact (CNCF ModelPack): an OCI layout directory in which each file of the model is a blob of its own.

The digest of such a blob is the sha256 of the lock, so nothing is packed, copied or hashed, and a registry that has the file needs it \
no more. Container runtimes mount such artifacts as image volumes. In reference mode there is no layout, but config, manifest and index, \
which are the same.""",
    attrs = {
        "annotations": attr.string_dict(
            doc = "Annotations of the manifest; title, version (the variant), source, revision and licenses are set. Default: none.",
        ),
        "model": attr.label(mandatory = True, providers = [ModelInfo], doc = "The model, such as `@models//whisper_base_en`."),
        "ref_name": attr.string(doc = "Name of the manifest in the index. Default `latest`."),
    },
    toolchains = [LAYER_TOOLCHAIN_TYPE],
)
