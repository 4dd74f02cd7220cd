"""`listing`: a rule on a plugin of this workspace's own kind."""

load("@rules_inference//rules:plugin.bzl", "plugin_args", "run_plugin")

_TOOLCHAIN_TYPE = Label("//:toolchain_type")

def _path_json(file):
    return json.encode(file.path)

def _listing_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".listing")
    args = plugin_args(ctx)
    args.add_all([out], map_each = _path_json, format_each = '{"output":%s}')
    args.add_all(ctx.files.srcs, map_each = _path_json, format_each = '{"inputs":[%s]}')
    args.add(json.encode({"max_bytes": ctx.attr.max_bytes, "race": ctx.attr.race, "title": ctx.attr.title}))
    run_plugin(
        ctx,
        toolchain_type = _TOOLCHAIN_TYPE,
        args = args,
        inputs = ctx.files.srcs,
        outputs = [out],
        mnemonic = "Listing",
    )
    return [DefaultInfo(files = depset([out]))]

listing = rule(
    implementation = _listing_impl,
    doc = "Lists files with their SHA-256 digests.",
    attrs = {
        "max_bytes": attr.int(default = 0, doc = "Largest size of a file; 0 (default): no limit."),
        "race": attr.bool(default = False, doc = "Whether a worker waits for its cancellation. Default: no."),
        "srcs": attr.label_list(allow_files = True, doc = "The files."),
        "title": attr.string(doc = "First line of the list. Default: none."),
    },
    toolchains = [_TOOLCHAIN_TYPE],
)
