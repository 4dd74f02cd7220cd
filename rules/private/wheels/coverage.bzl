"""`wheel_coverage`: which requirement lists a lock of wheels covers, as a report and as a test."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//rules/private/providers:wheel_info.bzl", "WheelInfo")
load(":trees_input.bzl", "TREE_PROVIDERS", "trees_of")

visibility(["//rules/..."])

_ATTRS = {
    "facts": attr.label_list(
        allow_files = [".json"],
        doc = "What `inferctl wheels facts` has told of wheels: sizes, licenses, import paths. Default: none is known but what " +
              "the locks tell.",
    ),
    "lists": attr.label_list(allow_files = True, mandatory = True, doc = "Requirement lists, as pip reads them."),
    "locks": attr.label_list(
        allow_files = True,
        mandatory = True,
        doc = "`@wheels//:lock.json`, requirements with versions and digests, or plain lists of names.",
    ),
    "platforms": attr.string_list(default = ["linux-x86_64"], doc = "`linux-x86_64`, `linux-aarch64` and the like."),
    "pythons": attr.string_list(mandatory = True, doc = "Versions of CPython, such as `3.12`."),
    "trees": attr.label_list(
        providers = TREE_PROVIDERS,
        doc = "Unpacked wheels, such as `@wheels//numpy:tree` and `@wheels//torch:trees`: their layouts tell licenses and import paths. Default: none.",
    ),
    "wheels": attr.label_list(
        allow_files = [".whl"],
        doc = "Wheels, such as `@wheels//numpy`, to read the facts from that `facts` has. Default: none is fetched.",
    ),
}

def _wheels(ctx):
    """The wheels, whatever names them."""
    return depset([
        target[WheelInfo].whl
        for target in ctx.attr.wheels
        if WheelInfo in target
    ] + [file for file in ctx.files.wheels if file.extension == "whl"]).to_list()

def _layouts(ctx):
    return [info.layout for info in trees_of(ctx.attr.trees)]

def _inputs(ctx):
    return ctx.files.lists + ctx.files.locks + ctx.files.facts + _wheels(ctx) + _layouts(ctx)

def _flags(ctx, short):
    """The arguments of `inferctl wheels coverage`; paths for runfiles when `short`."""
    path = lambda file: file.short_path if short else file.path
    return ["wheels", "coverage"] + [path(file) for file in ctx.files.lists] + [
        "--lock=" + path(file)
        for file in ctx.files.locks
    ] + [
        "--facts=" + path(file)
        for file in ctx.files.facts
    ] + [
        "--wheels=" + path(file)
        for file in _wheels(ctx)
    ] + [
        "--layout=" + path(file)
        for file in _layouts(ctx)
    ] + ["--python=" + ",".join(ctx.attr.pythons), "--platform=" + ",".join(ctx.attr.platforms)]

def _wheel_coverage_impl(ctx):
    outputs = {}
    for format, extension in {"html": "html", "json": "json", "text": "txt"}.items():
        out = ctx.actions.declare_file("{}.{}".format(ctx.label.name, extension))
        outputs[format] = out
        args = ctx.actions.args()
        args.add_all(_flags(ctx, False))
        args.add("--no-check")
        args.add("--format", format)
        args.add("--output", out)
        ctx.actions.run(
            executable = ctx.executable._tool,
            arguments = [args],
            inputs = _inputs(ctx),
            outputs = [out],
            mnemonic = "WheelCoverage",
            progress_message = "Comparing requirements and locks of %{label}",
        )
    return [
        DefaultInfo(files = depset(outputs.values())),
        OutputGroupInfo(**{format: depset([out]) for format, out in outputs.items()}),
    ]

wheel_coverage = rule(
    implementation = _wheel_coverage_impl,
    doc = "Writes NAME.txt, NAME.json and NAME.html: each requirement, and what the locks have for each Python and platform.",
    attrs = _ATTRS | {"_tool": attr.label(cfg = "exec", default = "//toolchains/plugins:inferctl", executable = True)},
)

def _wheel_coverage_test_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        script,
        "#!/bin/sh\nexec {} {}\n".format(
            shell.quote(ctx.executable._tool.short_path),
            " ".join([shell.quote(flag) for flag in _flags(ctx, True)]),
        ),
        is_executable = True,
    )
    runfiles = ctx.runfiles(_inputs(ctx))
    return [DefaultInfo(executable = script, runfiles = runfiles.merge(ctx.attr._tool[DefaultInfo].default_runfiles))]

wheel_coverage_test = rule(
    implementation = _wheel_coverage_test_impl,
    doc = "Fails when a requirement is not covered, and prints the report.",
    attrs = _ATTRS | {"_tool": attr.label(cfg = "target", default = "//toolchains/plugins:inferctl", executable = True)},
    test = True,
)
