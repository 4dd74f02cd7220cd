"""A program of the toolkit: `bazel run @cuda//:cuobjdump`."""

# Component repositories load this.
visibility("public")

def _cuda_tool_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = program, target_file = ctx.file.program, is_executable = True)
    return [DefaultInfo(
        executable = program,
        files = depset([program]),
        # It looks for its own files beside the one that the link leads to.
        runfiles = ctx.runfiles([ctx.file.program] + ctx.files.files),
    )]

cuda_tool = rule(
    implementation = _cuda_tool_impl,
    doc = "Makes a program of the toolkit one that can be run.",
    executable = True,
    attrs = {
        "files": attr.label_list(allow_files = True, doc = "What it needs beside itself. Default: nothing."),
        "program": attr.label(allow_single_file = True, mandatory = True, doc = "The program."),
    },
)
