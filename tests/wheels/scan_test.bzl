"""Tests of the names that are found in a lock without reading it."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:scan.bzl", "missed_name", "scan_lock")  # buildifier: disable=bzl-visibility

visibility("private")

_UV = """\
version = 1
revision = 3
requires-python = ">=3.11"
conflicts = [[
    { package = "app", extra = "cpu" },
    { package = "app", extra = "cu" },
], [
    { package = "app", group = "a" },
    { package = "app", group = "b" },
]]

[manifest]
members = ["app"]

[[manifest.dependency-metadata]]
name = "not-a-package"

[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [
    { name = "Foo_Bar" },
]

[package.optional-dependencies]
cpu = [
    { name = "foo-bar", extra = ["x"] },
]

[[package]]
name = "Foo_Bar"
version = "1"
source = { registry = "https://example.invalid/simple" }
sdist = { url = "https://example.invalid/foo_bar-1.tar.gz", hash = "sha256:%s", size = 1 }
wheels = [
    { url = "https://example.invalid/foo_bar-1-py3-none-any.whl", hash = "sha256:%s", size = 1 },
]

[[package]]
name = "foo.bar"
version = "2"
source = { registry = "https://example.invalid/simple" }
sdist = { url = "https://example.invalid/foo_bar-2.tar.gz", hash = "sha256:%s", size = 1 }
""" % ("1" * 64, "2" * 64, "3" * 64)

def _uv_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, ({"app": 0, "foo-bar": 2}, None), scan_lock(_UV, "uv.lock"))

    # What is written otherwise is read in full, so that it makes no difference but of time.
    for before, after in [
        ("\n", "\r\n"),
        ("[[package]]\nname = \"Foo_Bar\"\nversion = \"1\"\n", "[[package]]\nversion = \"1\"\nname = \"Foo_Bar\"\n"),
        ("[[package]]", "[[ package ]]"),
        ("[[package]]", "[[\"package\"]]"),
        ("name = \"Foo_Bar\"", "name = 'Foo_Bar'"),
        ("[[package]]\nname", "[[package]]\n\nname"),
    ]:
        names, error = scan_lock(_UV.replace(before, after), "uv.lock")
        asserts.equals(env, (["app", "foo-bar"], None), (sorted(names or []), error), after)
    _, error = scan_lock(_UV.replace("[[package]]", "[[ package"), "uv.lock")
    asserts.equals(env, "error: toml: uv.lock:18: got '[[ package', expected [name] or [[name]]", error)
    return unittest.end(env)

uv_test = unittest.make(_uv_impl)

_PYLOCK = """\
lock-version = "1.0"
created-by = "test"

[[packages]]
name = "one"
version = "1"
wheels = [{ url = "https://example.invalid/one-1-py3-none-any.whl", hashes = { sha256 = "%s" } }]

[[packages]]
name = "two"
version = "1"

[[packages.wheels]]
url = "https://example.invalid/two-1-py3-none-any.whl"
hashes = { sha256 = "%s" }

[packages.sdist]
url = "https://example.invalid/two-1.tar.gz"
hashes = { sha256 = "%s" }
""" % ("1" * 64, "2" * 64, "3" * 64)

def _pylock_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, ({"one": 0, "two": 1}, None), scan_lock(_PYLOCK, "pylock.toml"))
    return unittest.end(env)

pylock_test = unittest.make(_pylock_impl)

_REQUIREMENTS = """\
# uv pip compile --generate-hashes
--only-binary :all:
Foo_Bar==1 \\
    --hash=sha256:%s \\
    --hash=sha256:%s
    # via app
one [extra] == 2 --hash=sha256:%s
two[a,b]==2 ; python_version < "3.12" --hash=sha256:%s
  three==3 \\
    ; sys_platform == "linux" \\
    --hash=sha256:%s
four @ https://example.invalid/four-1-py3-none-any.whl#sha256=%s
five \\
    ==5 --hash=sha256:%s
""" % ("1" * 64, "2" * 64, "3" * 64, "4" * 64, "5" * 64, "6" * 64, "7" * 64)

def _requirements_impl(ctx):
    env = unittest.begin(ctx)
    names, _ = scan_lock(_REQUIREMENTS, "lock.txt")
    asserts.equals(env, ["five", "foo-bar", "four", "one", "three", "two"], sorted(names))
    names, _ = scan_lock(_REQUIREMENTS.replace("\n", "\r\n"), "lock.txt")
    asserts.equals(env, 6, len(names))
    return unittest.end(env)

requirements_test = unittest.make(_requirements_impl)

def _missed_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, None, missed_name({"a": 0, "b": 1}, ["a"]))
    asserts.equals(env, "c", missed_name({"a": 0, "b": 1}, ["a", "c"]))
    return unittest.end(env)

missed_test = unittest.make(_missed_impl)

def scan_test_suite(name):
    unittest.suite(name, uv_test, pylock_test, requirements_test, missed_test)
