"""Wheels with all that they need."""

load("//rules/private/providers:wheel_info.bzl", "WheelInfo", "WheelSetInfo")

# Hub repositories load this.
visibility("public")

def _wheel_deps_impl(ctx):
    files = depset(transitive = [target[DefaultInfo].files for target in ctx.attr.wheels + ctx.attr.deps])
    wheels = depset(
        [target[WheelInfo] for target in ctx.attr.wheels],
        transitive = [target[WheelSetInfo].wheels for target in ctx.attr.deps],
    )
    return [
        DefaultInfo(files = files, runfiles = ctx.runfiles(transitive_files = files)),
        WheelSetInfo(wheels = wheels),
    ]

wheel_deps = rule(
    implementation = _wheel_deps_impl,
    doc = "The wheels of packages that need each other, and those of everything that they need.",
    attrs = {
        "deps": attr.label_list(doc = "Targets of the same rule.", providers = [WheelSetInfo]),
        "wheels": attr.label_list(doc = "The wheels themselves.", providers = [WheelInfo]),
    },
    provides = [WheelSetInfo],
)
