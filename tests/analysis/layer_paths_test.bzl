"""Paths and globs of layers."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private:layer_paths.bzl", "glob_matches", "join", "layer_path")

visibility("private")

def _globs_impl(ctx):
    env = unittest.begin(ctx)
    for (pattern, path, expected) in [
        ("a/b", "a/b", True),
        ("a/b", "a/bc", False),
        ("a/b", "a/b/c", False),
        ("a/*", "a/b", True),
        ("a/*", "a/b/c", False),
        ("a/*", "a", False),
        ("*.sh", "x.sh", True),
        ("*.sh", "d/x.sh", False),
        ("**/*.sh", "x.sh", True),
        ("**/*.sh", "a/b/x.sh", True),
        ("a/**", "a", True),
        ("a/**", "a/b/c", True),
        ("a/**", "ab", False),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/z", "a/b/c/y", False),
        ("**", "anything/at/all", True),
        ("**/b/**/d", "a/b/c/d", True),
        ("*a*a*", "aa", True),
        ("*a*a*", "a", False),
        ("a*a", "a", False),
        ("*.tar.*", "x.tar.gz", True),
        ("x*yx", "xyx", True),
        ("*ab*ab", "abab", True),
        ("*ab*ab", "aab", False),
    ]:
        asserts.equals(env, expected, glob_matches(pattern, path), "{} on {}".format(pattern, path))
    return unittest.end(env)

_globs_test = unittest.make(_globs_impl)

def _paths_impl(ctx):
    env = unittest.begin(ctx)
    label = Label("//x:y")
    for (text, expected) in [("/", ""), ("", ""), ("/a/b/", "a/b"), ("a", "a"), ("/a b/é", "a b/é"), ("/..a", "..a")]:
        asserts.equals(env, expected, layer_path(label, "prefix", text))
    asserts.equals(env, "a/b", join("a", "b"))
    asserts.equals(env, "b", join("", "b"))
    asserts.equals(env, "a", join("a", ""))
    return unittest.end(env)

_paths_test = unittest.make(_paths_impl)

def layer_paths_test_suite(name):
    unittest.suite(name, _globs_test, _paths_test)
