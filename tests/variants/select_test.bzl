"""Tests of selection in analysis: every vector."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/variants:select.bzl", "select_variant")  # buildifier: disable=bzl-visibility
load(":select_vectors.bzl", "SELECT_VECTORS")

visibility("private")

def _vectors_test_impl(ctx):
    env = unittest.begin(ctx)
    for vector in SELECT_VECTORS:
        answer = select_variant(vector.request)
        more = vector.more
        asserts.equals(env, vector.chosen, answer.chosen, vector.name)
        asserts.equals(env, not vector.chosen, bool(answer.error), vector.name + ": error")
        asserts.true(env, more.get("error", "") in answer.error, "{}: {}".format(vector.name, answer.error))
        asserts.equals(env, more.get("chain", answer.chain), answer.chain, vector.name)
        asserts.equals(env, more.get("fell_back", answer.fell_back), answer.fell_back, vector.name + ": fell_back")
        reasons = {candidate.name: candidate.reason[0] for candidate in answer.candidates if candidate.reason}
        for name, code in more.get("reasons", {}).items():
            asserts.equals(env, code, reasons.get(name), "{}: {}".format(vector.name, name))
    return unittest.end(env)

vectors_test = unittest.make(_vectors_test_impl)

def select_test_suite(name):
    """Declares the tests.

    Args:
      name: of the suite.
    """
    unittest.suite(name, vectors_test)
