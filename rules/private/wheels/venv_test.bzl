"""`wheel_venv_test`: a Python file as a test, in a virtual environment."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//rules/private/providers:wheel_venv_info.bzl", "WheelVenvInfo")

visibility(["//rules/..."])

def _main(ctx):
    if ctx.file.main:
        return ctx.file.main
    if len(ctx.files.srcs) != 1:
        fail("{}: main: got none, and {} files in srcs; expected main = one of them".format(ctx.label, len(ctx.files.srcs)))
    return ctx.files.srcs[0]

def _wheel_venv_test_impl(ctx):
    venv = ctx.attr.venv[WheelVenvInfo]
    main = _main(ctx)
    script = ctx.actions.declare_file(ctx.label.name)

    # A test starts in its runfiles.
    ctx.actions.write(
        script,
        "#!/bin/sh\nexec {} {} \"$@\"\n".format(shell.quote("./{}/bin/python".format(venv.tree.short_path)), shell.quote(main.short_path)),
        is_executable = True,
    )
    runfiles = ctx.runfiles(ctx.files.srcs + ctx.files.data + [main]).merge_all(
        [target[DefaultInfo].default_runfiles for target in [ctx.attr.venv] + ctx.attr.data],
    )
    return [
        DefaultInfo(executable = script, runfiles = runfiles),
        RunEnvironmentInfo(environment = {
            name: ctx.expand_location(value, ctx.attr.data)
            for name, value in ctx.attr.env.items()
        }),
    ]

wheel_venv_test = rule(
    implementation = _wheel_venv_test_impl,
    doc = "Runs a Python file with the interpreter and the packages of a virtual environment. Needs no rules_python.",
    attrs = {
        "data": attr.label_list(allow_files = True, doc = "Files that the test reads."),
        "env": attr.string_dict(doc = "Variables of the environment; `$(rootpath :file)` is expanded."),
        "main": attr.label(allow_single_file = [".py"], doc = "The file to run. Default: the only one in `srcs`."),
        "srcs": attr.label_list(allow_files = [".py"], doc = "Python files of the test; those beside `main` can be imported."),
        "venv": attr.label(mandatory = True, providers = [WheelVenvInfo], doc = "A `wheel_venv`."),
    },
    test = True,
)
