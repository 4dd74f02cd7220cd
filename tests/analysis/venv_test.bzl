"""The rules wheel_venv and wheel_venv_test: providers, action, and what they refuse."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@rules_python//python:py_info.bzl", "PyInfo")
load("//rules:providers.bzl", "WheelVenvInfo")
load("//rules:wheel.bzl", "wheel_tree", "wheel_venv", "wheel_venv_test")
load("//rules/private/wheels:deps.bzl", "wheel_trees")  # buildifier: disable=bzl-visibility
load(":util.bzl", "action_of", "failure_test", "request_lines")

visibility("private")

def _venv_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[WheelVenvInfo]
    asserts.equals(env, ("venv", "venv.summary.json", "3.12"), (info.tree.basename, info.summary.basename, info.python_version))
    asserts.equals(env, [info.tree], target[DefaultInfo].files.to_list())
    asserts.equals(env, "venv_python", target[DefaultInfo].files_to_run.executable.basename)
    asserts.equals(
        env,
        [ctx.workspace_name + "/tests/analysis/venv/lib/python3.12/site-packages"],
        target[PyInfo].imports.to_list(),
    )
    asserts.equals(env, [info.tree], target[PyInfo].transitive_sources.to_list())

    action = action_of(env, "WheelVenv")
    asserts.equals(env, [info.tree, info.summary], action.outputs.to_list())
    lines = [line["venv"] for line in request_lines(action)]

    # One tree is named twice, by itself and by `trees`.
    trees = [tree["path"].split("/")[-1] for line in lines for tree in line.get("trees", [])]
    asserts.equals(env, ["venv_one", "venv_two"], sorted(trees))
    asserts.equals(env, {
        "choices": [{"owner": "two", "path": "a"}, {"owner": "one", "path": "b.py"}],
        "exclude": ["**/tests/**"],
        "pythonVersion": "3.12",
    }, [line for line in lines if "pythonVersion" in line][0])
    asserts.equals(env, [], [line for line in lines if "interpreter" in line])
    return analysistest.end(env)

_venv_test = analysistest.make(_venv_impl)

def _interpreter_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_of(env, "WheelVenv")
    lines = [line["venv"] for line in request_lines(action)]
    asserts.equals(env, ["tests/analysis/b.sh"], [line["interpreter"] for line in lines if "interpreter" in line])
    asserts.true(env, "b.sh" in [file.basename for file in action.inputs.to_list()])
    return analysistest.end(env)

_interpreter_test = analysistest.make(_interpreter_impl)

def venv_test_suite(name, wheels):
    """Tests of wheel_venv.

    Args:
      name: of the suite.
      wheels: labels of two wheel files.
    """
    manual = {"tags": ["manual"]}
    wheel_tree(name = "venv_one", wheel = wheels[0], **manual)
    wheel_tree(name = "venv_two", wheel = wheels[1], **manual)
    wheel_trees(name = "venv_inner", trees = [":venv_two"], **manual)
    wheel_trees(name = "venv_trees", trees = [":venv_one"], deps = [":venv_inner"], **manual)
    wheel_trees(name = "venv_nothing", **manual)
    wheel_venv(
        name = "venv",
        choose = {"b.py": "one", "a": "two"},
        excludes = ["**/tests/**"],
        python_version = "3.12",
        wheels = [":venv_one", ":venv_trees"],
        **manual
    )
    _venv_test(name = "wheel_venv_venv_test", target_under_test = ":venv")
    wheel_venv(name = "venv_interpreter", interpreter = "b.sh", python_version = "3.12", wheels = [":venv_one"], **manual)
    _interpreter_test(name = "wheel_venv_interpreter_test", target_under_test = ":venv_interpreter")

    bad = {
        "venv_bad_python": "python_version: got \"3.12.1\", expected major.minor, such as \"3.12\"",
        "venv_bad_wheels": "wheels: got no unpacked wheel, expected targets such as @wheels//numpy:tree or @wheels//numpy:trees",
        "venv_bad_interpreter": "venv_two_files, which is no program; expected a py_runtime with an interpreter, or one program",
        "venv_bad_main": "main: got none, and 2 files in srcs; expected main = one of them",
    }
    wheel_venv(name = "venv_bad_python", python_version = "3.12.1", wheels = [":venv_one"], **manual)
    wheel_venv(name = "venv_bad_wheels", python_version = "3.12", wheels = [":venv_nothing"], **manual)
    native.filegroup(name = "venv_two_files", srcs = ["a.txt", "b.sh"], **manual)
    wheel_venv(name = "venv_bad_interpreter", interpreter = ":venv_two_files", python_version = "3.12", wheels = [":venv_one"], **manual)
    wheel_venv_test(name = "venv_bad_main", size = "small", srcs = ["a.py", "b.py"], venv = ":venv", **manual)
    for (target, message) in bad.items():
        failure_test(name = target + "_test", message = message, target_under_test = ":" + target)

    native.test_suite(
        name = name,
        tests = [":wheel_venv_venv_test", ":wheel_venv_interpreter_test"] + [":{}_test".format(target) for target in bad],
    )
