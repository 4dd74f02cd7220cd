"""Tests of versions: the order that PEP 440 gives, and each operator."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:versions.bzl", "compare_interval", "compare_version", "meets", "parse_version", "version_interval")  # buildifier: disable=bzl-visibility

visibility("private")

# From the oldest to the newest; those in one list are equal.
_ORDER = [
    ["0"],
    ["1.dev0", "1.0.dev"],
    ["1.0.dev456"],
    ["1.0a1", "1.0.alpha.1", "1.0-a1", "v1.0a1"],
    ["1.0a2.dev456"],
    ["1.0a12.dev456"],
    ["1.0a12"],
    ["1.0b1.dev456"],
    ["1.0b2", "1.0BETA2"],
    ["1.0b2.post345.dev456"],
    ["1.0b2.post345"],
    ["1.0rc1.dev456"],
    ["1.0rc1", "1.0c1", "1.0preview1"],
    ["1.0", "1", "1.0.0.0", "01.0"],
    ["1.0+abc.5", "1.0+ABC-5"],
    ["1.0+abc.7"],
    ["1.0+5"],
    ["1.0.post456.dev34"],
    ["1.0.post456", "1.0-456", "1.0.rev456", "1.0r456"],
    ["1.0.15"],
    ["1.1.dev1"],
    ["1.10"],
    ["1!0.1"],
]

def _order_impl(ctx):
    env = unittest.begin(ctx)
    keys = [[parse_version(text).key for text in texts] for texts in _ORDER]
    for i, same in enumerate(keys):
        for key in same:
            asserts.equals(env, same[0], key)
        for j, other in enumerate(keys):
            asserts.equals(env, i < j, same[0] < other[0], "{} < {}".format(_ORDER[i], _ORDER[j]))
    for text in ["", "a", "1.0.x", "1..0", "1.0+", "1.0+a..b", "1.0a1b1", "1.0.dev1.post1", "1.0-", "1!!2", "1.0."]:
        asserts.equals(env, None, parse_version(text), text)
    return unittest.end(env)

order_test = unittest.make(_order_impl)

# (version, operator, text) -> whether it meets.
_MEETS = {
    ("1.0+cu12", "!=", "1.0"): False,
    ("1.0+cu12", "==", "1.0"): True,
    ("1.0+cu12", "==", "1.0+cu11"): False,
    ("1.0+cu12", ">", "1.0"): False,
    ("1.0.post1", ">", "1.0"): False,
    ("1.0.post2", ">", "1.0.post1"): True,
    ("1.0rc1", "<", "1.0"): False,
    ("1.0rc1", "<", "1.0rc2"): True,
    ("1.0rc1", "<=", "1.0"): True,
    ("1.1.post1", "==", "1.1"): False,
    ("1.1.post1", "==", "1.1.*"): True,
    ("1.1a1", "==", "1.1.*"): True,
    ("1.10", "==", "1.1.*"): False,
    ("1.4.5", "~=", "1.4.5a4"): True,
    ("1.5", "~=", "1.4.5"): False,
    ("2.2.post3", "~=", "2.2"): True,
    ("2.3", "~=", "2.2"): True,
    ("3.0", "~=", "2.2"): False,
}

def _operators_impl(ctx):
    env = unittest.begin(ctx)
    for (version, operator, text), expected in _MEETS.items():
        asserts.equals(
            env,
            (expected, None),
            compare_version(parse_version(version), operator, text),
            " ".join([version, operator, text]),
        )
    for operator, text in [("<", "1.*"), ("==", "1.dev1.*"), ("~=", "1"), ("==", "x")]:
        asserts.true(env, compare_version(parse_version("1"), operator, text)[1])
    return unittest.end(env)

operators_test = unittest.make(_operators_impl)

# Comparison with every 3.11.x at once; None: they do not agree.
_INTERVAL = {
    ("!=", "3.11.3"): None,
    ("!=", "3.12.*"): True,
    ("<", "3.11"): False,
    ("<", "3.11.4"): None,
    ("<", "3.12rc1"): True,
    ("==", "3.10"): False,
    ("==", "3.11.*"): True,
    ("==", "3.11.4"): None,
    (">=", "3.11"): True,
    ("~=", "3.11.2"): None,
    ("~=", "3.9"): True,
}

def _interval_impl(ctx):
    env = unittest.begin(ctx)
    interval = version_interval("3.11", full = True)
    for (operator, text), expected in _INTERVAL.items():
        asserts.equals(env, expected, compare_interval(interval, operator, text), operator + text)
    asserts.equals(env, (True, None), meets(interval, " >=3.10, <4,!=3.9.*"))
    asserts.equals(env, (False, None), meets(interval, ">=3.12"))
    asserts.equals(env, (None, "'3.11'"), meets(interval, "3.11"))
    return unittest.end(env)

interval_test = unittest.make(_interval_impl)

def versions_test_suite(name):
    unittest.suite(name, order_test, operators_test, interval_test)
