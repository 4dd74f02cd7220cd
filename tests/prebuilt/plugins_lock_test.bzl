"""Tests of what a lock has to be to stand for the plugins: the message of every refusal."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private:version.bzl", "VERSION")  # buildifier: disable=bzl-visibility
load("//rules/private/prebuilt:plugins_lock.bzl", "no_row_text", "read_plugins_lock")  # buildifier: disable=bzl-visibility

visibility("private")

_ROW = {
    "format": "tar.gz",
    "name": "cpu",
    "platform": "linux-x86_64",
    "sha256": "ab" * 32,
    "size": 9,
    "urls": ["https://example.invalid/plugins.tar.gz"],
}
_PARTS = {key: value for key, value in _ROW.items() if key != "urls"} | {"parts": [{"sha256": "cd" * 32, "size": 9, "urls": _ROW["urls"]}]}
_ABSENT = {"name": "cpu", "not_available": "never built", "platform": "linux-aarch64"}
_FROM_SOURCE = "`--repo_env=RULES_INFERENCE_PLUGINS=source` builds them instead"

def _lock(*rows, **more):
    return json.encode({
        "artifact": "rules_inference_plugins",
        "lock_version": 1,
        "variants": list(rows),
        "version": VERSION,
    } | more)

# (text of the lock, the error)
_REFUSED = [
    ("", "error: variants lock: L: got no JSON object with `variants`, expected the canonical JSON of a VariantsLock"),
    (_lock(_ROW, artifact = "demo"), "error: plugins: L: got a lock of 'demo', expected one of rules_inference_plugins"),
] + [
    (
        _lock(_ROW, version = version),
        "error: plugins: L: got plugins of version '{}', expected {}, the version of rules_inference\n".format(version, VERSION) +
        "hint: pin the lock of that release; " + _FROM_SOURCE,
    )
    for version in ["", "0.0.1", VERSION + ".1", "v" + VERSION]
] + [
    (_lock(), "error: plugins: L: got no archive of the variant cpu, expected one for each platform that builds"),
    (_lock(_ABSENT), "error: plugins: L: got no archive of the variant cpu, expected one for each platform that builds"),
    (
        _lock(_ROW | {"name": "cuda"}),
        "error: plugins: L: got no archive of the variant cpu, expected one for each platform that builds",
    ),
    (_lock(_PARTS), "error: plugins: L: linux-x86_64: got an archive in parts, expected one archive"),
    (_lock(_ROW | {"format": "file"}), "error: plugins: L: linux-x86_64: got format file, expected one archive"),
]

def _refused_impl(ctx):
    env = unittest.begin(ctx)
    for text, expected in _REFUSED:
        asserts.equals(env, (None, None, expected), read_plugins_lock(text, "L"), text)
    return unittest.end(env)

refused_test = unittest.make(_refused_impl)

def _accepted_impl(ctx):
    env = unittest.begin(ctx)
    _, rows, error = read_plugins_lock(_lock(_ROW, _ABSENT, _ROW | {"name": "other"}), "L")
    asserts.equals(env, None, error)
    asserts.equals(env, {"linux-x86_64": _ROW}, rows)
    for version in [VERSION + "+team.3", VERSION + "+"]:
        asserts.equals(env, None, read_plugins_lock(_lock(_ROW, version = version), "L")[2])
    return unittest.end(env)

accepted_test = unittest.make(_accepted_impl)

def _no_row_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(
        env,
        "error: plugins: L: got a platform without a row, expected one of linux-aarch64, linux-x86_64\nhint: " + _FROM_SOURCE,
        no_row_text("L", ["linux-x86_64", "linux-aarch64"]),
    )
    return unittest.end(env)

no_row_test = unittest.make(_no_row_impl)

def plugins_lock_test_suite(name):
    """Declares the tests.

    Args:
      name: of the suite.
    """
    unittest.suite(name, refused_test, accepted_test, no_row_test)
