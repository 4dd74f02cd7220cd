"""`wheel_tree`: one wheel, unpacked by the wheel plugin."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load("//rules/private:layer_action.bzl", "MAPPED_PATHS", "add_path")
load("//rules/private:plugin_action.bzl", "plugin_args", "run_plugin")
load("//rules/private:runfile.bzl", "rlocation")
load("//rules/private/providers:wheel_tree_info.bzl", "WheelTreeInfo")
load(":names.bzl", "parse_python")
load(":wheel_input.bzl", "wheel_file_of")

# BUILD files of wheel repositories load this.
visibility("public")

_TOOLCHAIN_TYPE = Label("//toolchains/wheel:toolchain_type")

# The plugin gets as many threads as the action reserves; their number never changes the bytes.
_THREADS = 2

def _resources(_os, _inputs_size):
    return {"cpu": _THREADS, "memory": 32}

def _import_path(ctx, tree, site_packages):
    """The directory for sys.path, as PyInfo wants it: relative to the runfiles, with the repository's name in front."""
    path = rlocation(ctx, tree)
    return path + "/" + site_packages if site_packages else path

def _wheel_tree_impl(ctx):
    wheel = wheel_file_of(ctx.label, ctx.attr.wheel, ctx.files.wheel)
    python = ctx.attr.python_version
    if python and parse_python(python) == None:
        fail("{}: python_version: got {}, expected major.minor, such as \"3.12\"".format(ctx.label, repr(python)))
    tree = ctx.actions.declare_directory(ctx.label.name)
    layout = ctx.actions.declare_file(ctx.label.name + ".layout.json")

    args = plugin_args(ctx)
    add_path(args, '{"unpack":{"wheel":%s}}', wheel)
    add_path(args, '{"unpack":{"outputDir":%s}}', tree)
    add_path(args, '{"unpack":{"layoutOutput":%s}}', layout)
    args.add(json.encode({"unpack": {
        "allowCaseCollisions": ctx.attr.allow_case_collisions,
        "exclude": ctx.attr.excludes,
        "interpreter": ctx.attr.interpreter,
        "mode": "PREFIX" if python else "TARGET",
        "pythonVersion": python,
        "threads": _THREADS,
    }}))
    run_plugin(
        ctx,
        toolchain_type = _TOOLCHAIN_TYPE,
        args = args,
        inputs = [wheel],
        outputs = [tree, layout],
        mnemonic = "WheelTree",
        progress_message = "Unpacking %{input}",
        execution_requirements = MAPPED_PATHS,
        resource_set = _resources,
    )
    site_packages = "lib/python{}/site-packages".format(python) if python else ""
    files = depset([tree])
    return [
        DefaultInfo(files = files, runfiles = ctx.runfiles([tree])),
        OutputGroupInfo(layout = depset([layout]), whl = depset([wheel])),
        WheelTreeInfo(tree = tree, layout = layout, whl = wheel, site_packages = site_packages),
        PyInfo(
            imports = depset([_import_path(ctx, tree, site_packages)]),
            transitive_sources = files,
            uses_shared_libraries = True,
        ),
    ]

wheel_tree = rule(
    implementation = _wheel_tree_impl,
    doc = """Unpacks a wheel into a directory: the target's only file, a `site-packages` directory with `bin`, `include` and data beside
the packages. A wheel whose structure, names, RECORD or digests are not right is refused (docs/wheels.md lists how).

The output group `layout` has the JSON that says what is there. The rules of rules_python take such a target in `deps`.""",
    attrs = {
        "allow_case_collisions": attr.bool(
            doc = "Accept files whose names differ by case, or by the encoding of accents, only. Default: such a wheel is refused, " +
                  "as its tree would be another one on a Mac.",
        ),
        "excludes": attr.string_list(
            doc = "Files to leave out, by their path in the directory: `*` and `?` stand for characters other than `/`, `**` for any, " +
                  "such as `**/tests/**`. RECORD then does not name them either. Default: none.",
        ),
        "interpreter": attr.string(
            doc = "What stands after `#!` in scripts and entry points. Default: `/usr/bin/env python3`.",
        ),
        "python_version": attr.string(
            doc = "Such as `3.12`: the directory then is an installation prefix, with `lib/python3.12/site-packages`, `bin` and " +
                  "`include`. Default: it is a site-packages directory itself.",
        ),
        "wheel": attr.label(
            allow_files = [".whl"],
            doc = "A wheel target, such as `@wheels//numpy`, or a `.whl` file.",
            mandatory = True,
        ),
    },
    provides = [PyInfo, WheelTreeInfo],
    toolchains = [_TOOLCHAIN_TYPE],
)
