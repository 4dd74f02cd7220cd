"""Tests of what is said of a download that has failed. Real servers and real failures: tests/e2e/variants."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/variants:fetch.bzl", "download_problem")  # buildifier: disable=bzl-visibility

visibility("private")

_SHA = "ab" * 32

def _server(sha256, head, asked):
    """A repository context that gets this file, or none (sha256 None), and notes which urls were asked."""

    def download(url, output, allow_fail):
        asked.append((url, output, allow_fail))
        return struct(success = sha256 != None, sha256 = sha256)

    # Without `head` the tool says nothing.
    return struct(download = download, execute = lambda _: struct(stdout = head), delete = lambda _: None)

def _problem_impl(ctx):
    env = unittest.begin(ctx)
    expected = "the file with sha256:{} as specified".format(_SHA)
    for head, said in [
        ("", ""),
        ("\177ELF", ""),
        (" <!DOCTYPE HTML>\n<html>", " (a web page)"),
        ("<html lang=en>", " (a web page)"),
    ]:
        asked = []
        asserts.equals(
            env,
            ("sha256:cd" + said, expected),
            download_problem(_server("cd", head, asked), ["https://example.invalid/a"], _SHA, "a"),
        )
        asserts.equals(env, [(["https://example.invalid/a"], "a.refused", True)], asked)
    return unittest.end(env)

problem_test = unittest.make(_problem_impl)

def _nothing_impl(ctx):
    env = unittest.begin(ctx)
    expected = "the file with sha256:{} as specified".format(_SHA)
    asked = []
    asserts.equals(
        env,
        ("nothing usable from http://example.invalid/a or https://example.invalid/a, see the warnings above", expected),
        download_problem(_server(None, "", asked), ["http://example.invalid/a", "https://example.invalid/a"], _SHA, "a"),
    )

    # Nothing is taken from plain http without a hash.
    asserts.equals(env, [(["https://example.invalid/a"], "a.refused", True)], asked)
    asserts.equals(
        env,
        ("nothing usable from http://example.invalid/a, see the warnings above", expected),
        download_problem(_server("cd", "", asked), ["http://example.invalid/a"], _SHA, "a"),
    )
    asserts.equals(env, 1, len(asked))
    return unittest.end(env)

nothing_test = unittest.make(_nothing_impl)

def fetch_test_suite(name):
    """Declares the tests.

    Args:
      name: of the suite.
    """
    unittest.suite(name, problem_test, nothing_test)
