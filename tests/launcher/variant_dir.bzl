"""`variant_dir`: programs that were built here, as an unpacked variant."""

load("//rules:variant.bzl", "VariantInfo")

visibility(["//tests/launcher"])

def _variant_dir_impl(ctx):
    directory = ctx.actions.declare_directory("demo-" + ctx.label.name)
    args = ctx.actions.args()
    args.add_all([directory], expand_directories = False)
    for target, path in ctx.attr.srcs.items():
        args.add(target[DefaultInfo].files_to_run.executable)
        args.add(path)
    ctx.actions.run(
        executable = ctx.executable._make_dir,
        arguments = [args],
        inputs = [target[DefaultInfo].files_to_run.executable for target in ctx.attr.srcs],
        outputs = [directory],
    )
    return [
        DefaultInfo(files = depset([directory])),
        VariantInfo(
            artifact = "demo",
            version = "1.0.0",
            name = ctx.label.name,
            platform = ctx.attr.platform,
            directory = directory,
            properties = json.decode(ctx.attr.properties),
        ),
    ]

variant_dir = rule(
    implementation = _variant_dir_impl,
    doc = "A variant of the artifact `demo`; its name is that of the target.",
    attrs = {
        "platform": attr.string(mandatory = True, doc = "`<os>-<cpu>`."),
        "properties": attr.string(default = "{}", doc = "VariantProperties as JSON."),
        "srcs": attr.label_keyed_string_dict(allow_files = True, doc = "File -> its path in the directory."),
        "_make_dir": attr.label(cfg = "exec", default = ":make_dir", executable = True),
    },
    provides = [VariantInfo],
)
