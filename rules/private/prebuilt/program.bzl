"""`prebuilt_program`: a program out of an archive as a target."""

# Repositories of archives load this.
visibility("public")

def _prebuilt_program_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = program, target_file = ctx.file.src, is_executable = True)
    return [DefaultInfo(
        executable = program,
        files = depset([program]),
        # As a cc_binary has it, so that rules need not know where a program comes from.
        runfiles = ctx.runfiles([program]),
    )]

prebuilt_program = rule(
    implementation = _prebuilt_program_impl,
    doc = "A program that needs nothing beside it. It has the same providers as one that is built, so the two can take turns.",
    attrs = {"src": attr.label(allow_single_file = True, doc = "The program's file.", mandatory = True)},
    executable = True,
)
