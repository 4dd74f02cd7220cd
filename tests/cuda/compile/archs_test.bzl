"""Tests of lists of architectures."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/cuda/compile:archs.bzl", "archs_error", "sorted_archs", "virtual_arch")

visibility("private")

_KNOWN = ["sm_75", "sm_90", "sm_90a", "sm_100f", "compute_75", "compute_90", "compute_90a", "compute_100f"]
_EXPECTED = "expected sm_NN for a cubin or compute_NN for PTX, such as sm_90a"

_ERRORS = [
    ([], "got no architecture, " + _EXPECTED),
    (["sm90"], "got \"sm90\", " + _EXPECTED),
    (["90"], "got \"90\", " + _EXPECTED),
    (["sm_"], "got \"sm_\", " + _EXPECTED),
    (["sm_90b"], "got \"sm_90b\", " + _EXPECTED),
    (["sm_90af"], "got \"sm_90af\", " + _EXPECTED),
    (["lto_90"], "got \"lto_90\", " + _EXPECTED),
    (["sm_90", "sm_75", "sm_90"], "got \"sm_90\" twice, expected each architecture once"),
    (
        ["sm_60"],
        "got \"sm_60\", expected sm_75 or newer: CUDA 13.0 no longer builds it\n" +
        "hint: remove it, or choose an older toolkit with --@rules_inference//rules:cuda_version",
    ),
    (["sm_91"], "got \"sm_91\", expected one of sm_75, sm_90, sm_90a, sm_100f of CUDA 13.0"),
    (["compute_200"], "got \"compute_200\", expected one of compute_75, compute_90, compute_90a, compute_100f of CUDA 13.0"),
    (["sm_90a", "sm_90", "compute_90", "sm_100f"], None),
]

def _errors_test_impl(ctx):
    env = unittest.begin(ctx)
    for archs, error in _ERRORS:
        asserts.equals(env, error, archs_error(archs, _KNOWN, "13.0"))
    return unittest.end(env)

def _order_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(
        env,
        ["sm_75", "sm_90", "sm_90a", "sm_100", "compute_75", "compute_120"],
        sorted_archs(["compute_120", "sm_100", "sm_90a", "compute_75", "sm_90", "sm_75"]),
    )
    asserts.equals(env, "compute_90a", virtual_arch("sm_90a"))
    return unittest.end(env)

_errors_test = unittest.make(_errors_test_impl)
_order_test = unittest.make(_order_test_impl)

def archs_test_suite(name):
    """Declares the tests.

    Args:
      name: name of the suite.
    """
    unittest.suite(name, _errors_test, _order_test)
