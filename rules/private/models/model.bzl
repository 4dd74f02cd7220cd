"""Models as targets: with files, as a manifest only, or refused."""

load("//rules/private/providers:model_info.bzl", "ModelInfo")

# Repositories of models load this.
visibility("public")

def write_manifest(ctx, row):
    """Writes the manifest of a model: a lock of it alone.

    Args:
      ctx: rule context.
      row: decoded model.

    Returns:
      File.
    """
    manifest = ctx.actions.declare_file(ctx.label.name + ".models.lock.json")
    ctx.actions.write(manifest, json.encode_indent({"lock_version": 1, "models": [row]}, indent = "  ") + "\n")
    return manifest

def _info(row, manifest, files):
    return ModelInfo(
        name = row["name"],
        variant = row.get("variant", ""),
        revision = row.get("revision", ""),
        manifest = manifest,
        files = files,
        reference = not files,
        row = json.encode(row),
    )

def _model_impl(ctx):
    row = json.decode(ctx.attr.row)
    files = [
        struct(file = file, format = pin["format"], path = pin["path"], sha256 = pin["sha256"], size = pin.get("size", 0))
        for file, pin in zip(ctx.files.srcs, row["files"])
    ]
    for item in files:
        if not item.file.path.endswith("/" + item.path):
            fail("{}: srcs: got {}, expected {}".format(ctx.label, item.file.path, item.path))
    manifest = write_manifest(ctx, row)
    return [
        DefaultInfo(files = depset(ctx.files.srcs), runfiles = ctx.runfiles(ctx.files.srcs)),
        OutputGroupInfo(manifest = depset([manifest])),
        _info(row, manifest, files),
    ]

_ROW = {"row": attr.string(mandatory = True, doc = "The row of the lock, as JSON.")}

model = rule(
    implementation = _model_impl,
    doc = "A model with its files.",
    attrs = _ROW | {
        "srcs": attr.label_list(allow_files = True, mandatory = True, doc = "Its files, in the order of the lock."),
    },
    provides = [ModelInfo],
)

def _model_reference_impl(ctx):
    row = json.decode(ctx.attr.row)
    manifest = write_manifest(ctx, row)
    return [
        DefaultInfo(files = depset([manifest]), runfiles = ctx.runfiles([manifest])),
        OutputGroupInfo(manifest = depset([manifest])),
        _info(row, manifest, []),
    ]

model_reference = rule(
    implementation = _model_reference_impl,
    doc = "A model as its manifest; nothing is fetched for it.",
    attrs = _ROW,
    provides = [ModelInfo],
)

def _model_refused_impl(ctx):
    fail("\n" + ctx.attr.message)

model_refused = rule(
    implementation = _model_refused_impl,
    doc = "What a build may not have; says so when a build wants it.",
    attrs = {"message": attr.string(mandatory = True, doc = "What the user reads.")},
    provides = [ModelInfo],
)
