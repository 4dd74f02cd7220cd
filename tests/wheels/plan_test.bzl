"""Tests of the step from a lock to repositories."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:names.bzl", "normalize_name")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:plan.bzl", "plan_wheels")  # buildifier: disable=bzl-visibility

visibility("private")

_HASHES = "--hash=sha256:{} --hash=sha256:{}\n".format("b" * 64, "a" * 64)
_BOTH = ["linux_x86_64", "linux_aarch64"]

def _plan(text, pythons = ["3.11"], platforms = _BOTH):
    return plan_wheels("wheels", text, "lock.txt", pythons, platforms)

def _one_repository_each_impl(ctx):
    env = unittest.begin(ctx)
    plan, error = _plan("Foo_Bar==1 " + _HASHES, ["3.12", "3.11"])
    asserts.equals(env, None, error)
    asserts.equals(env, {"foo-bar": {
        "cp311_linux_aarch64": "@wheels_foo_bar_cp311_linux_aarch64//",
        "cp311_linux_x86_64": "@wheels_foo_bar_cp311_linux_x86_64//",
        "cp312_linux_aarch64": "@wheels_foo_bar_cp312_linux_aarch64//",
        "cp312_linux_x86_64": "@wheels_foo_bar_cp312_linux_x86_64//",
    }}, plan.packages)
    asserts.equals(env, struct(
        file = "",
        hashes = ["a" * 64, "b" * 64],
        newest = {},
        package = "foo-bar",
        path = "",
        platform = "linux_x86_64",
        python = "3.12",
        repository = "wheels_foo_bar_cp312_linux_x86_64",
        slot = "cp312_linux_x86_64",
        url = "",
        version = "1",
    ), plan.wheels[0])
    return unittest.end(env)

one_repository_each_test = unittest.make(_one_repository_each_impl)

def _markers_choose_impl(ctx):
    env = unittest.begin(ctx)
    plan, error = _plan(
        "a==1 ; platform_machine == 'x86_64' " + _HASHES + "a==2 ; platform_machine != 'x86_64' " + _HASHES +
        "b==1 ; sys_platform == 'win32' " + _HASHES,
    )
    asserts.equals(env, None, error)
    asserts.equals(env, {"linux_aarch64": "2", "linux_x86_64": "1"}, {wheel.platform: wheel.version for wheel in plan.wheels})
    asserts.equals(env, {}, plan.packages["b"])
    return unittest.end(env)

markers_choose_test = unittest.make(_markers_choose_impl)

def _refuses_impl(ctx):
    env = unittest.begin(ctx)
    _, error = _plan("a==1 " + _HASHES + "\nA==2 ; platform_machine == 'aarch64' " + _HASHES)
    asserts.equals(env, "error: wheels lock: lock.txt:3: got 'a' a second time (first on line 1) for cp311_linux_aarch64, " +
                        "expected one pin for each python and platform\n" +
                        "hint: lock anew, or add markers that exclude each other", error)
    _, error = _plan("a==1 ; extra == 'x' " + _HASHES, platforms = ["linux_x86_64"])
    asserts.true(env, error.startswith("error: wheels lock: lock.txt:1: marker: got 'extra' for cp311_linux_x86_64, expected"), error)
    _, error = _plan("a==1 " + _HASHES, pythons = ["3.11rc1"])
    asserts.equals(env, "error: wheels: wheels.lock(name = \"wheels\"): got python '3.11rc1', expected a version, " +
                        "such as '3.11', '3.11.9' or '3.13t'", error)
    _, error = _plan("a==1 " + _HASHES, platforms = ["windows"])
    asserts.equals(env, "error: wheels: wheels.lock(name = \"wheels\"): got platform 'windows', expected one of " +
                        "linux_aarch64, linux_aarch64_musl, linux_x86_64, linux_x86_64_musl, macos_aarch64, macos_x86_64, " +
                        "windows_aarch64, windows_x86_64", error)
    _, error = _plan("a==1 " + _HASHES, platforms = [])
    asserts.equals(env, "error: wheels: wheels.lock(name = \"wheels\"): got an empty list, expected at least one python " +
                        "and one platform", error)
    _, error = _plan("a==1 " + _HASHES, pythons = ["3.11", "3.11.9"])
    asserts.equals(env, "error: wheels: wheels.lock(name = \"wheels\"): got 'cp311' a second time, expected each one " +
                        "once", error)
    return unittest.end(env)

refuses_test = unittest.make(_refuses_impl)

def _names_impl(ctx):
    env = unittest.begin(ctx)
    for name in ["Foo.Bar", "foo-_.bar", "FOO_bar"]:
        asserts.equals(env, "foo-bar", normalize_name(name))
    return unittest.end(env)

names_test = unittest.make(_names_impl)

def plan_test_suite(name):
    unittest.suite(name, one_repository_each_test, markers_choose_test, refuses_test, names_test)
