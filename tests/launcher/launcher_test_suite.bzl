"""What variant_launcher refuses, and how it names variants."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts", "unittest")
load("//rules:release.bzl", "variant_release")
load("//rules:variant.bzl", "variant_launcher")
load("//rules/private/variants:launcher.bzl", "variant_label")  # buildifier: disable=bzl-visibility

visibility("private")

def _labels_impl(ctx):
    env = unittest.begin(ctx)
    for artifact, expected in {
        "//some/hub": "//some/hub:cpu",
        "//some/hub:artifact": "//some/hub:cpu",
        "@@canonical+hub//:artifact": "@@canonical+hub//:cpu",  # buildifier: disable=canonical-repository
        "@super_stt": "@super_stt//:cpu",
        "@super_stt//": "@super_stt//:cpu",
        "@super_stt//:artifact": "@super_stt//:cpu",
    }.items():
        asserts.equals(env, expected, variant_label(artifact, "cpu"), artifact)
    return unittest.end(env)

_labels_test = unittest.make(_labels_impl)

def _failure_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.message)
    return analysistest.end(env)

_failure_test = analysistest.make(_failure_impl, attrs = {"message": attr.string()}, expect_failure = True)

_FAILURES = {
    "chain": (
        {"chain": ["cuda-sm75"], "variants": ["cpu"]},
        "bad_chain: chain: got \"cuda-sm75\", expected one of the variants, cpu",
    ),
    "release": (
        {"artifact": None, "release": ":failures_release", "variants": ["cpu", "cuda-sm75"]},
        "bad_release: variants: got \"cuda-sm75\", expected one that //tests/launcher:failures_release has for ",
    ),
    "program": (
        {"program": "../demo", "variants": ["cpu"]},
        "bad_program: program: got \"../demo\", expected a path inside the archive, such as \"bin/demo\"",
    ),
}

def launcher_test_suite(name):
    """Declares the tests.

    Args:
      name: of the suite.
    """
    unittest.suite(name, _labels_test)
    variant_release(name = "failures_release", binary = ":echo", tags = ["manual"], variants = ["cpu"])
    for what, (attributes, message) in _FAILURES.items():
        variant_launcher(name = "bad_" + what, tags = ["manual"], **({"artifact": "//tests/launcher"} | attributes))
        _failure_test(name = "{}_{}_test".format(name, what), message = message, target_under_test = ":bad_" + what)
