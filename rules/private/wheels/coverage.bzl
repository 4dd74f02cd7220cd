"""`wheel_coverage`: which requirement lists a lock of wheels covers, as a report and as a test."""

visibility(["//rules/..."])

_ATTRS = {
    "lists": attr.label_list(allow_files = True, mandatory = True, doc = "Requirement lists, as pip reads them."),
    "locks": attr.label_list(
        allow_files = True,
        mandatory = True,
        doc = "Requirements with versions and digests, or plain lists of names.",
    ),
    "platforms": attr.string_list(default = ["linux-x86_64"], doc = "`linux-x86_64`, `linux-aarch64` and the like."),
    "pythons": attr.string_list(mandatory = True, doc = "Versions of CPython, such as `3.12`."),
}

def _flags(ctx, short):
    """The arguments of `inferctl wheels coverage`; paths for runfiles when `short`."""
    path = lambda file: file.short_path if short else file.path
    return ["wheels", "coverage"] + [path(file) for file in ctx.files.lists] + [
        "--lock=" + path(file)
        for file in ctx.files.locks
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
            inputs = ctx.files.lists + ctx.files.locks,
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
    attrs = _ATTRS | {"_tool": attr.label(cfg = "exec", default = "//plugins/inferctl", executable = True)},
)

def _quote(text):
    return "'" + text.replace("'", "'\\''") + "'"

def _wheel_coverage_test_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(
        script,
        "#!/bin/sh\nexec {} {}\n".format(
            _quote(ctx.executable._tool.short_path),
            " ".join([_quote(flag) for flag in _flags(ctx, True)]),
        ),
        is_executable = True,
    )
    runfiles = ctx.runfiles(ctx.files.lists + ctx.files.locks)
    return [DefaultInfo(executable = script, runfiles = runfiles.merge(ctx.attr._tool[DefaultInfo].default_runfiles))]

wheel_coverage_test = rule(
    implementation = _wheel_coverage_test_impl,
    doc = "Fails when a requirement is not covered, and prints the report.",
    attrs = _ATTRS | {"_tool": attr.label(cfg = "target", default = "//plugins/inferctl", executable = True)},
    test = True,
)
