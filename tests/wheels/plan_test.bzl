"""Tests of the step from a lock to repositories."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:names.bzl", "normalize_name")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:plan.bzl", "plan_wheels")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:platforms.bzl", "PLATFORMS")  # buildifier: disable=bzl-visibility

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
        "cp311_linux_aarch64": "wheels_foo_bar_cp311_linux_aarch64",
        "cp311_linux_x86_64": "wheels_foo_bar_cp311_linux_x86_64",
        "cp312_linux_aarch64": "wheels_foo_bar_cp312_linux_aarch64",
        "cp312_linux_x86_64": "wheels_foo_bar_cp312_linux_x86_64",
    }}, plan.packages)
    asserts.equals(env, struct(
        hashes = ["a" * 64, "b" * 64],
        package = "foo-bar",
        platform = "linux_x86_64",
        python = "3.12",
        repository = "wheels_foo_bar_cp312_linux_x86_64",
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
    asserts.equals(env, "error: wheels lock: lock.txt:3: got 'a' a second time for cp311_linux_aarch64 (first on line 1), " +
                        "expected one pin for each python and platform\n" +
                        "hint: lock anew, or add markers that exclude each other", error)
    _, error = _plan("a==1 ; extra == 'x' " + _HASHES, platforms = ["linux_x86_64"])
    asserts.true(env, error.startswith("error: wheels lock: lock.txt:1: marker: got 'extra', expected"), error)
    _, error = _plan("a==1 " + _HASHES, pythons = ["3.11.7"])
    asserts.equals(env, "error: wheels: wheels.lock(name = \"wheels\"): got python '3.11.7', expected major.minor, such " +
                        "as '3.11'", error)
    _, error = _plan("a==1 " + _HASHES, platforms = ["windows"])
    asserts.equals(env, "error: wheels: wheels.lock(name = \"wheels\"): got platform 'windows', expected one of " +
                        "linux_aarch64, linux_x86_64", error)
    _, error = _plan("a==1 " + _HASHES, platforms = [])
    asserts.equals(env, "error: wheels: wheels.lock(name = \"wheels\"): got an empty list, expected at least one python " +
                        "and one platform", error)
    _, error = _plan("a==1 " + _HASHES, pythons = ["3.11", "3.11"])
    asserts.equals(env, "error: wheels: wheels.lock(name = \"wheels\"): got '3.11' a second time, expected each one " +
                        "once", error)
    return unittest.end(env)

refuses_test = unittest.make(_refuses_impl)

def _names_impl(ctx):
    env = unittest.begin(ctx)
    for name in ["Foo.Bar", "foo-_.bar", "FOO_bar"]:
        asserts.equals(env, "foo-bar", normalize_name(name))
    tags = PLATFORMS["linux_x86_64"].tags
    asserts.equals(env, ["manylinux_2_39_x86_64", "manylinux_2_38_x86_64"], tags[:2])
    asserts.equals(env, "manylinux_2_5_x86_64 manylinux2014_x86_64 manylinux2010_x86_64 manylinux1_x86_64 linux_x86_64", " ".join(tags[-5:]))
    asserts.equals(env, "manylinux_2_17_aarch64", PLATFORMS["linux_aarch64"].tags[-3])
    return unittest.end(env)

names_test = unittest.make(_names_impl)

def plan_test_suite(name):
    unittest.suite(name, one_repository_each_test, markers_choose_test, refuses_test, names_test)
