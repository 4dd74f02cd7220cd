"""`wheel_venv`: unpacked wheels as one virtual environment."""

load("@rules_python//python:py_info.bzl", "PyInfo")
load("@rules_python//python:py_runtime_info.bzl", "PyRuntimeInfo")
load("//rules/private:layer_action.bzl", "add_path")
load("//rules/private:plugin_action.bzl", "plugin_args", "run_plugin")
load("//rules/private/providers:wheel_venv_info.bzl", "WheelVenvInfo")
load(":names.bzl", "parse_python")
load(":trees_input.bzl", "TREE_PROVIDERS", "trees_of")

visibility(["//rules/..."])

_TOOLCHAIN_TYPE = Label("//toolchains/wheel:toolchain_type")

# The output is links to the trees, which have to be on this machine; it takes less time to make them than to ask a cache.
_REQUIREMENTS = {
    "local": "1",
    "no-cache": "1",
    "no-remote": "1",
    "no-sandbox": "1",
    # A worker may have a sandbox of its own.
    "supports-multiplex-workers": "0",
    "supports-workers": "0",
}

# Beside the directory in bazel-bin as well as in runfiles; elsewhere where it is started through a link.
_PYTHON = """\
#!/bin/sh
here=${{0%/*}}
case $0 in */*) ;; *) here=. ;; esac
if [ ! -x "$here/{name}/bin/python" ]; then here=${{RUNFILES_DIR:-$0.runfiles}}/{package}; fi
exec "$here/{name}/bin/python" "$@"
"""

def _interpreter(ctx):
    """Returns the file to run, or None, and a depset of what it needs."""
    target = ctx.attr.interpreter
    if not target:
        return None, depset()
    if PyRuntimeInfo in target:
        runtime = target[PyRuntimeInfo]
        if runtime.interpreter:
            return runtime.interpreter, depset([runtime.interpreter], transitive = [runtime.files])
    elif target[DefaultInfo].files_to_run.executable or len(ctx.files.interpreter) == 1:
        program = target[DefaultInfo].files_to_run.executable or ctx.files.interpreter[0]
        return program, depset([program], transitive = [target[DefaultInfo].default_runfiles.files])
    fail("{}: interpreter: got {}, which is no program; expected a py_runtime with an interpreter, or one program".format(
        ctx.label,
        target.label,
    ))

def _runfiles_path(ctx, path):
    return path[3:] if path.startswith("../") else ctx.workspace_name + "/" + path

def _wheel_venv_impl(ctx):
    python = ctx.attr.python_version
    if parse_python(python) == None or len(python.split(".")) != 2:
        fail("{}: python_version: got {}, expected major.minor, such as \"3.12\"".format(ctx.label, repr(python)))
    trees = {info.tree: info.layout for info in trees_of(ctx.attr.wheels)}
    if not trees:
        fail("{}: wheels: got no unpacked wheel, expected targets such as @wheels//numpy:tree or @wheels//numpy:trees".format(ctx.label))
    interpreter, interpreter_files = _interpreter(ctx)
    tree = ctx.actions.declare_directory(ctx.label.name)
    summary = ctx.actions.declare_file(ctx.label.name + ".summary.json")

    args = plugin_args(ctx)
    add_path(args, '{"venv":{"outputDir":%s}}', tree)
    add_path(args, '{"venv":{"summaryOutput":%s}}', summary)
    args.add_all(
        [json.encode({"venv": {"trees": [{"layout": layout.path, "path": path.path}]}}) for path, layout in trees.items()],
    )
    if interpreter:
        add_path(args, '{"venv":{"interpreter":%s}}', interpreter)
    args.add(json.encode({"venv": {
        "choices": [{"owner": owner, "path": path} for path, owner in sorted(ctx.attr.choose.items())],
        "exclude": ctx.attr.excludes,
        "pythonVersion": python,
    }}))
    run_plugin(
        ctx,
        toolchain_type = _TOOLCHAIN_TYPE,
        args = args,
        inputs = depset(trees.keys() + trees.values(), transitive = [interpreter_files]),
        outputs = [tree, summary],
        mnemonic = "WheelVenv",
        progress_message = "Virtual environment %{label}",
        execution_requirements = _REQUIREMENTS,
    )
    program = ctx.actions.declare_file(ctx.label.name + "_python")
    package = _runfiles_path(ctx, tree.short_path)
    ctx.actions.write(
        program,
        _PYTHON.format(name = tree.basename, package = package[:-len(tree.basename) - 1]),
        is_executable = True,
    )
    return [
        DefaultInfo(
            executable = program,
            files = depset([tree]),
            runfiles = ctx.runfiles([tree], transitive_files = interpreter_files),
        ),
        OutputGroupInfo(summary = depset([summary])),
        WheelVenvInfo(tree = tree, summary = summary, python_version = python),
        PyInfo(
            imports = depset(["{}/lib/python{}/site-packages".format(package, python)]),
            transitive_sources = depset([tree]),
            uses_shared_libraries = True,
        ),
    ]

wheel_venv = rule(
    implementation = _wheel_venv_impl,
    doc = """A virtual environment of unpacked wheels: one directory, with as few links to their trees as the loader of native
libraries allows. `bazel run` starts its interpreter; `wheel_venv_test`, and the rules of rules_python in `deps`, use it.

Files that two wheels bring have to be the same, byte by byte; `choose` says what is taken where they are not.""",
    attrs = {
        "choose": attr.string_dict(
            doc = "A file or directory in site-packages, such as `cv2`, and the distribution whose it is. What others have there is " +
                  "left out. Default: files that differ are an error.",
        ),
        "excludes": attr.string_list(
            doc = "Files to leave out, by their path in site-packages, or in the environment where they are beside it (`bin/f2py`): " +
                  "`*` and `?` stand for characters other than `/`, `**` for any.",
        ),
        "interpreter": attr.label(
            allow_files = True,
            doc = "A py_runtime of rules_python, or a program. Default: the first `python3` on PATH that has the right version, " +
                  "looked up where the environment is used.",
        ),
        "python_version": attr.string(
            doc = "Such as `3.12`; the wheels must be for it.",
            mandatory = True,
        ),
        "wheels": attr.label_list(
            doc = "Unpacked wheels, `@wheels//numpy:tree`, or one with all that it needs, `@wheels//numpy:trees`.",
            mandatory = True,
            providers = TREE_PROVIDERS,
        ),
    },
    executable = True,
    provides = [PyInfo, WheelVenvInfo],
    toolchains = [_TOOLCHAIN_TYPE],
)
