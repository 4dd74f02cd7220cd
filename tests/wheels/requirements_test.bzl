"""Tests of the parser of locks: what it reads, and the exact text for each thing that it refuses."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:requirements.bzl", "parse_requirements")  # buildifier: disable=bzl-visibility

visibility("private")

_A = "a" * 64
_B = "b" * 64
_PIN_HINT = "\nhint: lock with `pip-compile --generate-hashes` or `uv pip compile --generate-hashes`"

def _parse(text):
    requirements, error = parse_requirements(text, "lock.txt")
    if error:
        fail(error)
    return requirements

def _reads_styles_of_tools_impl(ctx):
    env = unittest.begin(ctx)
    requirements = _parse("""\
# This file was written by a tool.
--require-hashes
--only-binary :all:

PyYAML==6.0.3 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
    # via
    #   foo
imageio[ffmpeg, pyav] == 2.38.1 ; python_version >= "3.11" \\
    --hash=sha256:{a}    # trailing comment
zope.interface==7.0+local.1 --hash sha256:{upper}\r
""".format(a = _A, b = _B, upper = _B.upper()))
    asserts.equals(env, [
        struct(extras = [], hashes = [_A, _B], line = 5, marker = "", name = "pyyaml", url = "", version = "6.0.3"),
        struct(
            extras = ["ffmpeg", "pyav"],
            hashes = [_A],
            line = 10,
            marker = "python_version >= \"3.11\"",
            name = "imageio",
            url = "",
            version = "2.38.1",
        ),
        struct(extras = [], hashes = [_B], line = 12, marker = "", name = "zope-interface", url = "", version = "7.0+local.1"),
    ], requirements)
    return unittest.end(env)

reads_styles_of_tools_test = unittest.make(_reads_styles_of_tools_impl)

def _reads_urls_impl(ctx):
    env = unittest.begin(ctx)
    url = "https://example.invalid/Foo_Bar-1.0%2Bcu12-py3-none-any.whl"
    expected = struct(
        extras = ["x"],
        hashes = [_A],
        line = 1,
        marker = "os_name == 'nt'",
        name = "foo-bar",
        url = url,
        version = "1.0+cu12",
    )
    for text in [
        "foo-bar[x] @ {}#sha256={} ; os_name == 'nt'".format(url, _A),
        "foo-bar[x] @ {} ; os_name == 'nt' --hash=sha256:{}".format(url, _A),
    ]:
        asserts.equals(env, [expected], _parse(text))
    return unittest.end(env)

reads_urls_test = unittest.make(_reads_urls_impl)

def _reads_a_last_line_without_end_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, 1, len(_parse("a==1 \\\n  --hash=sha256:{} \\".format(_A))))
    return unittest.end(env)

reads_a_last_line_without_end_test = unittest.make(_reads_a_last_line_without_end_impl)

# Text of a lock -> the whole message.
_REFUSED = {
    "": "error: wheels lock: lock.txt: got no requirement, expected at least one" + _PIN_HINT,
    "--index-url https://example.com/simple": "error: wheels lock: lock.txt:1: got '--index-url', expected no package " +
                                              "index in the lock\nhint: set the index where pip finds it (pip.conf, " +
                                              "PIP_INDEX_URL) and lock with `--no-emit-index-url`",
    "-e .": "error: wheels lock: lock.txt:1: got '-e', expected a requirement `name==version --hash=sha256:...`" + _PIN_HINT,
    "-c other.txt": "error: wheels lock: lock.txt:1: got '-c', expected all requirements in one file" + _PIN_HINT,
    "-r other.txt": "error: wheels lock: lock.txt:1: got '-r', expected all requirements in one file" + _PIN_HINT,
    "a": "error: wheels lock: lock.txt:1: got 'a', expected one exact version, name==version" + _PIN_HINT,
    "a @ https://example.invalid/a.tar.gz": "error: wheels lock: lock.txt:1: got 'a @ https://example.invalid/a.tar.gz', " +
                                            "expected the URL of a wheel, name @ https://.../name-1-py3-none-any.whl" + _PIN_HINT,
    "a @ https://example.invalid/a-1-py3-none-any.whl": "error: wheels lock: lock.txt:1: got 'a @ https://example.invalid/" +
                                                        "a-1-py3-none-any.whl' without a hash, expected at least one " +
                                                        "--hash=sha256:..." + _PIN_HINT,
    "a @ https://example.invalid/b-1-py3-none-any.whl": "error: wheels lock: lock.txt:1: got 'a' at the URL of a wheel of 'b', " +
                                                        "expected one name" + _PIN_HINT,
    "a!b==1": "error: wheels lock: lock.txt:1: got 'a!b', expected a package name, with or without [extras]",
    "a==1": "error: wheels lock: lock.txt:1: got 'a==1' without a hash, expected at least one --hash=sha256:..." + _PIN_HINT,
    "a==1 --hash": "error: wheels lock: lock.txt:1: got --hash without a value, expected --hash=sha256:...",
    "a==1 --hash=md5:0": "error: wheels lock: lock.txt:1: got a hash 'md5', expected sha256" + _PIN_HINT,
    "a==1 --hash=sha256:{}\n\nb>=2".format(_A): "error: wheels lock: lock.txt:3: got 'b>=2', expected one exact version, " +
                                                "name==version" + _PIN_HINT,
    "a==1 \\\n  --hash=sha256:{0} \\\n  --hash=sha256:{0}".format(_A): "error: wheels lock: lock.txt:3: got sha256 '" + _A +
                                                                       "' a second time, expected each hash once\n" +
                                                                       "hint: lock anew",
    "a==1 \\\n  --hash=sha256:{}\n  --hash=sha256:{}".format(_A, _B): "error: wheels lock: lock.txt:3: got '--hash', " +
                                                                      "expected a requirement `name==version " +
                                                                      "--hash=sha256:...`" + _PIN_HINT,
    "a==1 \\\n  --hash=sha256:abc": "error: wheels lock: lock.txt:2: got sha256 'abc' (3 characters), expected 64 hex digits",
    "a==1 --hash=sha256:{} --no-build".format(_A): "error: wheels lock: lock.txt:1: got '--no-build', expected " +
                                                   "--hash=sha256:... or the end of the requirement",
    "a==1.*": "error: wheels lock: lock.txt:1: got 'a==1.*', expected one exact version, name==version" + _PIN_HINT,
    "a===1": "error: wheels lock: lock.txt:1: got 'a===1', expected one exact version, name==version" + _PIN_HINT,
    "a>=1": "error: wheels lock: lock.txt:1: got 'a>=1', expected one exact version, name==version" + _PIN_HINT,
    "a[b==1": "error: wheels lock: lock.txt:1: got 'a[b', expected a package name, with or without [extras]",
}

def _refuses_impl(ctx):
    env = unittest.begin(ctx)
    for text, message in _REFUSED.items():
        _, error = parse_requirements(text, "lock.txt")
        asserts.equals(env, message, error, text)
    return unittest.end(env)

refuses_test = unittest.make(_refuses_impl)

def requirements_test_suite(name):
    unittest.suite(name, reads_styles_of_tools_test, reads_urls_test, reads_a_last_line_without_end_test, refuses_test)
