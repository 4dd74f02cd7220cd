"""Tests of reading locks: the message of every refusal."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/variants:lock.bzl", "names_of", "read_lock", "row_urls")  # buildifier: disable=bzl-visibility

visibility("private")

_SHA = "ab" * 32
_ROW = {
    "format": "tar.gz",
    "name": "cpu",
    "platform": "linux-x86_64",
    "sha256": _SHA,
    "size": 9,
    "urls": ["https://example.invalid/cpu.tar.gz"],
}
_PART = {"sha256": _SHA, "size": 9, "urls": ["https://example.invalid/part0"]}

def _without(item, *keys):
    return {key: value for key, value in item.items() if key not in keys}

def _lock(*rows, **more):
    return json.encode({"lock_version": 1, "variants": list(rows)} | more)

_HINT = "\nhint: inferctl lock check says more"

# (text of the lock, what follows "error: variants lock: L: ")
_REFUSED = [
    # The document.
    ("", None),
    ("[]", None),
    ("{\"lock_version\": 1}", None),
    ("{\"lock_version\": 1, \"variants\": {}}", None),
    ("{\"variants\": []}", "got lock_version None, expected 1"),
    ("{\"lock_version\": 2, \"variants\": []}", "got lock_version 2, expected 1"),
    ("{\"lock_version\": \"1\", \"variants\": []}", "got lock_version \"1\", expected 1"),
    ("{\"artifact\": 1, \"lock_version\": 1, \"variants\": []}", "got artifact 1, expected a string"),
    ("{\"lock_version\": 1, \"url_template\": [], \"variants\": []}", "got url_template [], expected a string"),
    ("{\"lock_version\": 1, \"variants\": [], \"version\": 1.5}", "got version 1.5, expected a string"),
    # Rows.
    (_lock("cpu"), "row 0: got \"cpu\", expected an object" + _HINT),
    (
        _lock(_ROW | {"name": "CPU"}),
        "row 0: got name \"CPU\", expected lower-case letters, digits, '-', '_', '.', and not one of artifact, choice, explain, variant" + _HINT,
    ),
    (
        _lock(_ROW | {"name": "choice"}),
        "row 0: got name \"choice\", expected lower-case letters, digits, '-', '_', '.', and not one of artifact, choice, explain, variant" + _HINT,
    ),
    (
        _lock(_without(_ROW, "name")),
        "row 0: got name None, expected lower-case letters, digits, '-', '_', '.', and not one of artifact, choice, explain, variant" + _HINT,
    ),
    (
        _lock(_ROW | {"platform": "plan9-x86_64"}),
        "row 0: got platform \"plan9-x86_64\", expected one of {platforms}" + _HINT,
    ),
    (_lock(_ROW | {"platform": {}}), "row 0: got platform {}, expected one of {platforms}" + _HINT),
    (
        _lock(_ROW | {"not_available": "never built"}),
        "row 0: got urls, sha256, size, format beside not_available, expected one or the other" + _HINT,
    ),
    (
        _lock(_ROW | {"format": "rar"}),
        "row 0: got format \"rar\", expected one of file, tar, tar.gz, tar.xz, tar.zst, zip" + _HINT,
    ),
    (_lock(_ROW | {"parts": [_PART]}), "row 0: got urls beside parts, expected one or the other" + _HINT),
    (_lock(_without(_ROW, "urls")), "row 0: got no urls, expected urls, parts, or a url_template in the lock" + _HINT),
    (_lock(_without(_ROW, "sha256")), "row 0: got sha256 None, expected 64 lower-case hex digits" + _HINT),
    (_lock(_ROW | {"sha256": "AB" * 32}), "row 0: got sha256 \"" + "AB" * 32 + "\", expected 64 lower-case hex digits" + _HINT),
    (_lock(_ROW | {"sha256": "abc"}), "row 0: got sha256 \"abc\", expected 64 lower-case hex digits" + _HINT),
    (_lock(_ROW | {"size": -1}), "row 0: got size -1, expected a number of bytes" + _HINT),
    (_lock(_ROW | {"size": "9"}), "row 0: got size \"9\", expected a number of bytes" + _HINT),
    (_lock(_ROW | {"urls": "https://example.invalid/a"}), "row 0: got urls \"https://example.invalid/a\", expected a list of urls" + _HINT),
    (_lock(_ROW | {"urls": ["cpu.tar.gz"]}), "row 0: got urls [\"cpu.tar.gz\"], expected a list of urls" + _HINT),
    (
        _lock(_without(_ROW, "urls") | {"parts": [_PART, _without(_PART, "urls")]}),
        "row 0: got a part without urls, expected urls for every part" + _HINT,
    ),
    (
        _lock(_without(_ROW, "urls") | {"parts": [_PART | {"sha256": ""}]}),
        "row 0: got sha256 \"\", expected 64 lower-case hex digits" + _HINT,
    ),
    (_lock(_without(_ROW, "urls") | {"parts": "x"}), "row 0: got parts \"x\", expected a list of objects" + _HINT),
    (_lock(_without(_ROW, "urls") | {"parts": ["x"]}), "row 0: got parts [\"x\"], expected a list of objects" + _HINT),
    # The second of two rows.
    (_lock(_ROW, _ROW), "row 1: got cpu for linux-x86_64 again, see row 0, expected one row per variant and platform"),
    (_lock(_ROW, _ROW | {"format": 1, "name": "b"}), "row 1: got format 1, expected one of file, tar, tar.gz, tar.xz, tar.zst, zip" + _HINT),
]
_NO_LOCK = "got no JSON object with `variants`, expected the canonical JSON of a VariantsLock"
_PLATFORMS = "linux-aarch64, linux-x86_64, macos-aarch64, macos-x86_64, windows-aarch64, windows-x86_64"

def _refused_impl(ctx):
    env = unittest.begin(ctx)
    for text, expected in _REFUSED:
        lock, error = read_lock(text, "L")
        asserts.equals(env, None, lock, text)
        asserts.equals(env, "error: variants lock: L: " + (expected or _NO_LOCK).replace("{platforms}", _PLATFORMS), error)
    return unittest.end(env)

refused_test = unittest.make(_refused_impl)

def _accepted_impl(ctx):
    env = unittest.begin(ctx)
    absent = {"name": "cuda-sm90", "not_available": "never built", "platform": "linux-x86_64"}
    parts = _without(_ROW, "urls", "size") | {"name": "parts", "parts": [_PART, _without(_PART, "size")]}
    lock, error = read_lock(_lock(_ROW, absent, parts, _ROW | {"platform": "linux-aarch64"}), "L")
    asserts.equals(env, None, error)
    asserts.equals(env, ["cpu", "parts"], names_of(lock, "linux-x86_64"))
    asserts.equals(env, ["cpu"], names_of(lock, "linux-aarch64"))
    asserts.equals(env, [], names_of(lock, "macos-aarch64"))
    return unittest.end(env)

accepted_test = unittest.make(_accepted_impl)

def _urls_impl(ctx):
    env = unittest.begin(ctx)
    lock, error = read_lock(_lock(
        _without(_ROW, "urls"),
        _ROW | {"name": "own"},
        artifact = "demo",
        url_template = "https://example.invalid/{artifact}/{version}/{os}-{cpu}/{platform}/{variant}.zip",
        version = "1.0",
    ), "L")
    asserts.equals(env, None, error)
    asserts.equals(
        env,
        ["https://example.invalid/demo/1.0/linux-x86_64/linux-x86_64/cpu.zip"],
        row_urls(lock, lock["variants"][0]),
    )
    asserts.equals(env, _ROW["urls"], row_urls(lock, lock["variants"][1]))
    return unittest.end(env)

urls_test = unittest.make(_urls_impl)

def lock_test_suite(name):
    """Declares the tests.

    Args:
      name: of the suite.
    """
    unittest.suite(name, refused_test, accepted_test, urls_test)
