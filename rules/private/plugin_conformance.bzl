"""`plugin_conformance_test`: checks that a program keeps to the plugin interface."""

visibility(["//rules/..."])

def _plugin_conformance_test_impl(ctx):
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = executable, target_file = ctx.executable._driver, is_executable = True)
    runfiles = ctx.runfiles([ctx.executable.plugin]).merge_all([
        ctx.attr.plugin[DefaultInfo].default_runfiles,
        ctx.attr._driver[DefaultInfo].default_runfiles,
    ])
    return [
        DefaultInfo(executable = executable, runfiles = runfiles),
        # Tests start in the runfiles directory of the main repository, to which short_path is relative.
        RunEnvironmentInfo(environment = {
            "PLUGIN": ctx.executable.plugin.short_path,
            "PLUGIN_KIND": ctx.attr.kind,
        }),
    ]

plugin_conformance_test = rule(
    implementation = _plugin_conformance_test_impl,
    doc = """Runs a plugin through the interface of the SDK and checks every answer.

`--describe`, `--version`, `--help`, bad flags, params files that are missing or malformed, and as worker: bad, unparseable,
oversize and interleaved requests, cancellations, and streams that break off. It needs no valid request, so it says nothing
about the plugin's own work.""",
    attrs = {
        "kind": attr.string(doc = "Kind that the plugin must name in `--describe`. Default: any."),
        "plugin": attr.label(mandatory = True, executable = True, cfg = "target", doc = "The plugin's program."),
        "_driver": attr.label(
            default = "//toolchains/plugins:plugin_conformance",
            executable = True,
            cfg = "target",
            doc = "The program that asks and checks.",
        ),
    },
    test = True,
)
