"""`variant_archive`: one archive of a lock, unpacked by the select plugin."""

load("//rules/private:layer_action.bzl", "MAPPED_PATHS", "add_path")
load("//rules/private:plugin_action.bzl", "plugin_args", "run_plugin")
load("//rules/private/providers:variant_info.bzl", "VariantInfo")

# Repositories of archives load this.
visibility("public")

SELECT_TOOLCHAIN_TYPE = Label("//toolchains/select:toolchain_type")

def _variant_archive_impl(ctx):
    row = json.decode(ctx.attr.row)
    directory = ctx.actions.declare_directory("{}-{}".format(ctx.attr.artifact, row["name"]))

    args = plugin_args(ctx)
    add_path(args, '{"unpack":{"output_dir":%s}}', directory)
    for src in ctx.files.srcs:
        add_path(args, '{"unpack":{"sources":[%s]}}', src)
    args.add(json.encode({"unpack": {
        "file_name": ctx.files.srcs[0].basename,
        "format": row["format"],
        "sha256": row["sha256"],
        "size": row.get("size", 0),
        "strip_prefix": row.get("strip_prefix", ""),
    }}))
    run_plugin(
        ctx,
        toolchain_type = SELECT_TOOLCHAIN_TYPE,
        args = args,
        inputs = ctx.files.srcs,
        outputs = [directory],
        mnemonic = "VariantUnpack",
        progress_message = "Unpacking {} {}".format(ctx.attr.artifact, row["name"]),
        execution_requirements = MAPPED_PATHS,
    )
    return [
        DefaultInfo(files = depset([directory]), runfiles = ctx.runfiles([directory])),
        OutputGroupInfo(archive = depset(ctx.files.srcs)),
        VariantInfo(
            artifact = ctx.attr.artifact,
            version = ctx.attr.version,
            name = row["name"],
            platform = row["platform"],
            directory = directory,
            properties = row.get("properties", {}),
        ),
    ]

variant_archive = rule(
    implementation = _variant_archive_impl,
    doc = "Unpacks the archive of one row of a lock into a directory; refuses what is unsafe or has other bytes.",
    attrs = {
        "artifact": attr.string(mandatory = True, doc = "Name of the artifact."),
        "row": attr.string(mandatory = True, doc = "The row of the lock, as JSON."),
        "srcs": attr.label_list(allow_files = True, mandatory = True, doc = "The archive, or its parts in order."),
        "version": attr.string(doc = "Version of the artifact."),
    },
    provides = [VariantInfo],
    toolchains = [SELECT_TOOLCHAIN_TYPE],
)
