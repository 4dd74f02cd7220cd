"""The rule `model_layer`."""

load("//rules/private:layer_action.bzl", "LAYER_TOOLCHAIN_TYPE", "layer_action", "layer_outputs")
load("//rules/private:layer_paths.bzl", "join", "layer_path")
load("//rules/private/providers:layer_info.bzl", "LayerGroupInfo")
load("//rules/private/providers:model_info.bzl", "ModelInfo")

# Hub repositories load this.
visibility("public")

# A file of this size or more gets a layer of its own.
_LARGE = 16 << 20

def _file_json(entry):
    return json.encode({"layer": {"files": [{
        "gid": 0,
        "mode": "0444",
        "path": entry.path,
        "source": entry.file.path,
        "type": "FILE",
        "uid": 0,
    }]}})

def _layer(ctx, stem, entries):
    return layer_action(
        ctx,
        name = ctx.label.name + "/" + stem,
        # Weights do not compress, and the digest of a plain tar is its diff_id.
        compress = "stored",
        level = 0,
        inputs = [depset([entry.file for entry in entries])],
        fill = lambda args: args.add_all(entries, map_each = _file_json),
        mnemonic = "ModelLayer",
        what = "model {} {}".format(ctx.attr.model[ModelInfo].name, stem),
    )

def _model_layer_impl(ctx):
    info = ctx.attr.model[ModelInfo]
    prefix = layer_path(ctx.label, "prefix", ctx.attr.prefix or "/models/" + info.name)
    if info.reference:
        manifest = struct(file = info.manifest, path = join(prefix, "models.lock.json"))
        layers = [_layer(ctx, "manifest", [manifest])]
    else:
        layers, small = [], []
        for index, item in enumerate(info.files):
            entry = struct(file = item.file, path = join(prefix, item.path))
            if item.size < _LARGE:
                small.append(entry)
            else:
                layers.append(_layer(ctx, "file{}".format(index), [entry]))
        if small:
            layers.append(_layer(ctx, "small", small))
    if len(layers) > ctx.attr.budget:
        fail("{}: budget: got {} layers of {}, expected at most {}; registries and container tools stop at about 127".format(
            ctx.label,
            len(layers),
            info.name,
            ctx.attr.budget,
        ))
    return [LayerGroupInfo(layers = layers)] + layer_outputs(layers)

model_layer = rule(
    implementation = _model_layer_impl,
    doc = """Layers with a model: one for each file of 16 MiB and more (a shard, for one), one for all smaller files.

They are plain tars, so that the same file has the same layer in every image, and an update of one shard moves one layer. \
In reference mode it is one layer with the manifest, as `models.lock.json`.""",
    attrs = {
        "budget": attr.int(default = 100, doc = "Greatest number of layers; more are an error. Default 100."),
        "model": attr.label(mandatory = True, providers = [ModelInfo], doc = "The model, such as `@models//whisper_base_en`."),
        "prefix": attr.string(doc = "Directory of the image that receives the files. Default `/models/<name>`."),
    },
    provides = [LayerGroupInfo],
    toolchains = [LAYER_TOOLCHAIN_TYPE],
)
