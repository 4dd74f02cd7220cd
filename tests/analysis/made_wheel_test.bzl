"""The rules patched_wheel and sdist_wheel: providers, actions, and what they refuse."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//rules:providers.bzl", "WheelInfo")
load("//rules:wheel.bzl", "patched_wheel", "sdist_wheel", "wheel_tree")
load(":util.bzl", "action_of", "failure_test", "request_lines")

visibility("private")

def _info(target):
    info = target[WheelInfo]
    return (info.name, info.version, info.whl.short_path.split("/tests/analysis/")[-1].removeprefix("tests/analysis/"))

def _patched_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ("one", "1.0", "patched_one/one-1.0-py3-none-any.whl"), _info(target))
    asserts.equals(env, [target[WheelInfo].whl], target[DefaultInfo].files.to_list())
    action = action_of(env, "WheelPatch")
    asserts.equals(env, [target[WheelInfo].whl], action.outputs.to_list())
    lines = [line["rewrite"] for line in request_lines(action)]
    asserts.equals(env, [("made_wheel.patch", 2)], [
        (patch["file"].split("/")[-1], patch["strip"])
        for line in lines
        for patch in line.get("patches", [])
    ])
    asserts.equals(env, [("one/100%.txt", "made_wheel.patch")], [
        (replacement["path"], replacement["file"].split("/")[-1])
        for line in lines
        for replacement in line.get("replacements", [])
    ])
    asserts.equals(env, [["**/tests/**"]], [line["exclude"] for line in lines if "exclude" in line])
    return analysistest.end(env)

_patched_test = analysistest.make(_patched_impl)

def _sdist_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ("demo", "1.0", "built/demo-1.0-py3-none-any.whl"), _info(target))
    action = action_of(env, "SdistWheel")
    asserts.equals(env, ["demo-1.0-py3-none-any.whl"], [file.basename for file in action.outputs.to_list()])
    asserts.equals(env, "python3.12", action.argv[1])
    asserts.true(env, "--requires" in action.argv and "key=value" in action.argv, str(action.argv))
    asserts.equals(env, "1", action.env["SPEED"])
    asserts.true(env, action_of(env, "WheelCanonical").outputs.to_list() == [target[WheelInfo].whl])
    return analysistest.end(env)

_sdist_test = analysistest.make(_sdist_impl)

def made_wheel_test_suite(name, wheel):
    """Tests of patched_wheel and sdist_wheel.

    Args:
      name: of the suite.
      wheel: label of a wheel file, `one`.
    """
    manual = {"tags": ["manual"]}
    write_file(name = "made_wheel_patch", out = "made_wheel.patch", **manual)
    write_file(name = "made_wheel_sdist", out = "demo-1.0.tar.gz", **manual)
    patched_wheel(
        name = "patched_one",
        excludes = ["**/tests/**"],
        files = {"made_wheel.patch": "one/100%.txt"},
        patch_strip = 2,
        patches = ["made_wheel.patch"],
        wheel = wheel,
        **manual
    )
    _patched_test(name = "patched_wheel_test", target_under_test = ":patched_one")
    wheel_tree(name = "backend", wheel = wheel, **manual)
    wheel_tree(name = "backend_prefix", python_version = "3.12", wheel = wheel, **manual)
    sdist_wheel(
        name = "built",
        build_requires = [":backend"],
        config_settings = {"key": "value"},
        env = {"SPEED": "1"},
        python = "python3.12",
        sdist = "demo-1.0.tar.gz",
        wheel = "demo-1.0-py3-none-any.whl",
        **manual
    )
    _sdist_test(name = "sdist_wheel_test", target_under_test = ":built")

    bad = {
        "bad_patched_nothing": "got neither patches nor excludes nor files; expected what is to be changed",
        "bad_patched_strip": "patch_strip: got -1; expected 0 or more",
        "bad_sdist_name": "got 'demo.whl', expected the name of a wheel, name-version-python-abi-platform.whl",
        "bad_sdist_tree": "backend_prefix, a tree with python_version; expected one without, such as @wheels//setuptools:tree",
    }
    patched_wheel(name = "bad_patched_nothing", wheel = wheel, **manual)
    patched_wheel(name = "bad_patched_strip", patch_strip = -1, patches = ["made_wheel.patch"], wheel = wheel, **manual)
    sdist_wheel(name = "bad_sdist_name", sdist = "demo-1.0.tar.gz", wheel = "demo.whl", **manual)
    sdist_wheel(
        name = "bad_sdist_tree",
        build_requires = [":backend_prefix"],
        sdist = "demo-1.0.tar.gz",
        wheel = "demo-1.0-py3-none-any.whl",
        **manual
    )
    for (target, message) in bad.items():
        failure_test(name = target + "_test", message = message, target_under_test = ":" + target)
    native.test_suite(
        name = name,
        tests = [":patched_wheel_test", ":sdist_wheel_test"] + [":{}_test".format(target) for target in bad],
    )
