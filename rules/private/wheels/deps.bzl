"""Wheels with all that they need."""

load("//rules/private/providers:wheel_info.bzl", "WheelInfo", "WheelSetInfo")
load("//rules/private/providers:wheel_tree_info.bzl", "WheelTreeInfo")
load("//rules/private/providers:wheel_trees_info.bzl", "WheelTreesInfo")
load(":wheel_input.bzl", "wheel_file_of", "wheel_info")

# Hub repositories load this.
visibility("public")

def _info(ctx, target):
    """What is known of a wheel; an override may be a `.whl` file and nothing more."""
    if WheelInfo in target:
        return target[WheelInfo]
    file = wheel_file_of(ctx.label, target, target[DefaultInfo].files.to_list())
    return wheel_info(ctx.label, file.basename, file)

def _wheel_deps_impl(ctx):
    files = depset(transitive = [target[DefaultInfo].files for target in ctx.attr.wheels + ctx.attr.deps])
    wheels = depset(
        [_info(ctx, target) for target in ctx.attr.wheels],
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
        "wheels": attr.label_list(allow_files = [".whl"], doc = "The wheels themselves."),
    },
    provides = [WheelSetInfo],
)

def _wheel_trees_impl(ctx):
    trees = depset(
        [target[WheelTreeInfo] for target in ctx.attr.trees],
        transitive = [target[WheelTreesInfo].trees for target in ctx.attr.deps],
    )
    files = depset(transitive = [target[DefaultInfo].files for target in ctx.attr.trees + ctx.attr.deps])
    return [DefaultInfo(files = files), WheelTreesInfo(trees = trees)]

# Apart from wheel_deps: who wants the files only needs no plugin to unpack them.
wheel_trees = rule(
    implementation = _wheel_trees_impl,
    doc = "The same wheels, unpacked.",
    attrs = {
        "deps": attr.label_list(doc = "Targets of the same rule.", providers = [WheelTreesInfo]),
        "trees": attr.label_list(doc = "The wheels themselves, unpacked."),
    },
    provides = [WheelTreesInfo],
)
