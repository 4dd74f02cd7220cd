"""`sdist_wheel`: a wheel that is built of a source archive."""

load("//rules/private/providers:wheel_info.bzl", "WheelInfo")
load("//rules/private/providers:wheel_tree_info.bzl", "WheelTreeInfo")
load(":wheel_input.bzl", "wheel_info")
load(":wheel_rewrite.bzl", "WHEEL_TOOLCHAIN_TYPE", "rewrite_wheel")

visibility(["//rules"])

def _tree_path(tree):
    """`map_each` callback: the directory of a tree that Python looks into."""
    return tree.path

def _sdist_wheel_impl(ctx):
    built = ctx.actions.declare_file("{}/built/{}".format(ctx.label.name, ctx.attr.wheel))
    output = ctx.actions.declare_file("{}/{}".format(ctx.label.name, ctx.attr.wheel))
    info = wheel_info(ctx.label, ctx.attr.wheel, output)
    prefixed = [tree.label for tree in ctx.attr.build_requires if tree[WheelTreeInfo].site_packages]
    if prefixed:
        fail("{}: build_requires: got {}, a tree with python_version; expected one without, such as @wheels//setuptools:tree".format(
            ctx.label,
            prefixed[0],
        ))
    trees = [tree[WheelTreeInfo].tree for tree in ctx.attr.build_requires]
    args = ctx.actions.args()
    args.add(ctx.attr.python)
    args.add("-I")
    args.add(ctx.file._script)
    args.add(ctx.file.sdist)
    args.add(built)
    args.add_all(trees, before_each = "--requires", map_each = _tree_path, expand_directories = False)
    args.add_all(["{}={}".format(*item) for item in ctx.attr.config_settings.items()], before_each = "--setting")
    ctx.actions.run(
        executable = "/usr/bin/env",
        arguments = [args],
        inputs = depset([ctx.file.sdist, ctx.file._script] + trees, transitive = [depset(ctx.files.data)]),
        outputs = [built],
        mnemonic = "SdistWheel",
        progress_message = "Building %{output} of %{input}",
        env = ctx.attr.env,
        use_default_shell_env = True,
        execution_requirements = {"block-network": "1"},
        toolchain = None,
    )

    # Read strictly, and written as if no machine had written it: what a backend decides by the clock is gone.
    rewrite_wheel(
        ctx,
        wheel = built,
        output = output,
        mnemonic = "WheelCanonical",
        progress_message = "Checking %{input}",
        settings = {"recompress": True},
    )
    return [
        DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output])),
        info,
    ]

sdist_wheel = rule(
    implementation = _sdist_wheel_impl,
    doc = """Builds a wheel of a source archive, in an action without network, by the backend that its pyproject.toml names.

Python, compilers and system headers are those of the machine: two machines may make two wheels, and a cache that they share
gives the wheel of the one that was first (docs/wheels.md).""",
    attrs = {
        "build_requires": attr.label_list(
            doc = "Trees of the backend and of all that it needs, such as `@wheels//setuptools:tree`. Nothing else can be imported, " +
                  "and nothing is downloaded. Default: none.",
            providers = [WheelTreeInfo],
        ),
        "config_settings": attr.string_dict(doc = "What the backend is told (`config_settings` of PEP 517). Default: nothing."),
        "data": attr.label_list(allow_files = True, doc = "Files that the build may read, for `env` to name. Default: none."),
        "env": attr.string_dict(doc = "Environment variables of the build. Default: those that Bazel gives all actions."),
        "python": attr.string(
            default = "python3",
            doc = "The interpreter, 3.11 or newer: a name that is looked for in PATH, or an absolute path. Default: `python3`.",
        ),
        "sdist": attr.label(
            allow_single_file = [".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip"],
            doc = "The source archive, such as `@wheels//dlib:sdist`.",
            mandatory = True,
        ),
        "wheel": attr.string(
            doc = "Name of the wheel that the backend makes, such as `dlib-19.24.6-cp311-cp311-linux_x86_64.whl`. Another one is an error.",
            mandatory = True,
        ),
        "_script": attr.label(allow_single_file = True, default = "//rules/private/wheels:build_sdist.py"),
    },
    provides = [WheelInfo],
    toolchains = [WHEEL_TOOLCHAIN_TYPE],
)
