"""The rule wheel_tree: providers, action, and what it refuses."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@rules_python//python:py_info.bzl", "PyInfo")
load("//rules:providers.bzl", "WheelTreeInfo")
load("//rules:wheel.bzl", "wheel_tree")
load(":util.bzl", "action_of", "failure_test", "request_lines")

visibility("private")

def _settings(action):
    return [line["unpack"] for line in request_lines(action) if "threads" in line["unpack"]][0]

def _tree_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[WheelTreeInfo]
    asserts.equals(env, "tree", info.tree.basename)
    asserts.equals(env, "tree.layout.json", info.layout.basename)
    asserts.equals(env, "one-1.0-py3-none-any.whl", info.whl.basename)
    asserts.equals(env, [info.tree], target[DefaultInfo].files.to_list())
    asserts.equals(env, [info.layout], target[OutputGroupInfo].layout.to_list())
    asserts.equals(env, [ctx.workspace_name + "/tests/analysis/tree"], target[PyInfo].imports.to_list())
    asserts.equals(env, [info.tree], target[PyInfo].transitive_sources.to_list())

    action = action_of(env, "WheelTree")
    asserts.equals(env, [info.tree, info.layout], action.outputs.to_list())
    asserts.equals(env, {
        "allowCaseCollisions": False,
        "exclude": ["**/tests/**"],
        "interpreter": "",
        "mode": "TARGET",
        "pythonVersion": "",
        "threads": 2,
    }, _settings(action))
    return analysistest.end(env)

_tree_test = analysistest.make(_tree_impl)

def _prefix_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    site_packages = "lib/python3.12/site-packages"
    asserts.equals(env, site_packages, target[WheelTreeInfo].site_packages)
    asserts.equals(env, [ctx.workspace_name + "/tests/analysis/prefix/" + site_packages], target[PyInfo].imports.to_list())
    settings = _settings(action_of(env, "WheelTree"))
    asserts.equals(env, ("PREFIX", "3.12", "/py", True), (
        settings["mode"],
        settings["pythonVersion"],
        settings["interpreter"],
        settings["allowCaseCollisions"],
    ))
    return analysistest.end(env)

_prefix_test = analysistest.make(_prefix_impl)

def wheel_test_suite(name, wheel):
    """Tests of wheel_tree.

    Args:
      name: of the suite.
      wheel: label of a wheel file, `one`.
    """
    manual = {"tags": ["manual"]}
    wheel_tree(name = "tree", excludes = ["**/tests/**"], wheel = wheel, **manual)
    _tree_test(name = "wheel_tree_test", target_under_test = ":tree")
    wheel_tree(name = "prefix", allow_case_collisions = True, interpreter = "/py", python_version = "3.12", wheel = wheel, **manual)
    _prefix_test(name = "wheel_prefix_test", target_under_test = ":prefix")

    bad = {
        "bad_python": "python_version: got \"3\", expected major.minor, such as \"3.12\"",
        "bad_tree_wheel": "bad_tree_wheel_src, which has 2 files; expected a wheel target or one .whl file",
    }
    wheel_tree(name = "bad_python", python_version = "3", wheel = wheel, **manual)
    native.filegroup(name = "bad_tree_wheel_src", srcs = ["one-1.0-py3-none-any.whl", "two-2.0-py3-none-any.whl"], **manual)
    wheel_tree(name = "bad_tree_wheel", wheel = ":bad_tree_wheel_src", **manual)
    for (target, message) in bad.items():
        failure_test(name = target + "_test", message = message, target_under_test = ":" + target)

    native.test_suite(
        name = name,
        tests = [":wheel_tree_test", ":wheel_prefix_test"] + [":{}_test".format(target) for target in bad],
    )
