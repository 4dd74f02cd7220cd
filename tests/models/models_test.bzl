"""Tests of locks of models: what is refused, what is chosen, and the text of a hub."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/models:choice.bzl", "choose", "parse_memory")  # buildifier: disable=bzl-visibility
load("//rules/private/models:hub_files.bzl", "hub_files")  # buildifier: disable=bzl-visibility
load("//rules/private/models:lock.bzl", "read_lock")  # buildifier: disable=bzl-visibility
load("//rules/private/models:plan.bzl", "plan_models", "refusal")  # buildifier: disable=bzl-visibility

visibility("private")

_FILE = {
    "format": "ggml",
    "path": "a/model.bin",
    "sha256": "ab" * 32,
    "size": 9,
    "urls": ["https://example.invalid/model.bin"],
}
_MODEL = {"files": [_FILE], "name": "m"}
_HINT = "\nhint: inferctl models lock --check says more"
_NAMES = "expected lower-case letters, digits, '-', '_', '.', and not one of choice, files, layer, manifest, memory, variant" + _HINT

def _lock(*models):
    return json.encode({"lock_version": 1, "models": list(models)})

def _of(**changes):
    return _lock({"files": [_FILE | changes], "name": "m"})

# (text of the lock, what follows "error: models lock: L")
_REFUSED = [
    ("", ": got no JSON object, expected the canonical JSON of a ModelsLock"),
    ("{}", ": got lock_version None, expected 1"),
    ("{\"lock_version\": 1, \"models\": {}}", ": got models {}, expected a list"),
    (_lock("m"), ": model 0: got \"m\", expected an object" + _HINT),
    (_lock(_MODEL | {"name": "M"}), ": M: got name \"M\", " + _NAMES),
    (_lock(_MODEL | {"name": "files"}), ": files: got name \"files\", " + _NAMES),
    (_lock(_MODEL | {"variant": "a b"}), ": m:a b: got variant \"a b\", expected lower-case letters, digits, '-', '_' and '.'" + _HINT),
    (_lock(_MODEL | {"files": []}), ": m: got files [], expected a list of files" + _HINT),
    (_lock(_MODEL, _MODEL), ": got m a second time, expected one row per model and variant"),
    (_of(path = "/x"), ": m: got path \"/x\", expected a relative path" + _HINT),
    (_of(path = "a\\x"), ": m: got path \"a\\\\x\", expected a relative path" + _HINT),
    (_of(path = "a/../x"), ": m: got path \"a/../x\", expected a path without empty components, '.' and '..'" + _HINT),
    (
        _of(path = "a/BUILD"),
        ": m: got path \"a/BUILD\", expected a name that Bazel does not take for one of its own; leave the file out with --exclude" + _HINT,
    ),
    (_of(sha256 = "AB" * 32), ": m: got sha256 \"" + "AB" * 32 + "\", expected 64 lower-case hex digits" + _HINT),
    (_of(size = -1), ": m: got size -1, expected a number of bytes" + _HINT),
    (_of(urls = []), ": m: got urls [], expected a list of urls" + _HINT),
    (_of(format = "exe"), ": m: got format \"exe\", expected one of ggml, gguf, json, onnx, other, pickle, safetensors, text, tflite" + _HINT),
]

def _lock_impl(ctx):
    env = unittest.begin(ctx)
    for text, expected in _REFUSED:
        rows, error = read_lock(text, "L")
        asserts.equals(env, None, rows)
        asserts.equals(env, "error: models lock: L" + expected, error)
    asserts.equals(env, ([_MODEL], None), read_lock(_lock(_MODEL), "L"))
    return unittest.end(env)

lock_test = unittest.make(_lock_impl)

def _plan_impl(ctx):
    env = unittest.begin(ctx)
    pickle = {"files": [_FILE | {"format": "pickle", "path": "m.pt"}], "name": "p", "variant": "v1"}
    text = _lock(_MODEL, pickle)

    def names(mode, allow):
        return [item.name for item in plan_models("h", text, "L", mode, allow)[1]]

    asserts.equals(env, ["h__m"], names("hermetic", []))
    asserts.equals(env, ["h__m", "h__p__v1"], names("hermetic", ["pickle"]))
    asserts.equals(env, [], names("reference", ["pickle"]))
    asserts.equals(env, None, refusal("h", _MODEL, []))
    asserts.equals(
        env,
        "error: model refused: @h//p: m.pt: got a pickle, which runs code when it is loaded, expected safetensors, gguf, ggml, " +
        "onnx, tflite, json or text\nhint: models.lock(name = \"h\", allow = [\"pickle\"]) takes it",
        refusal("h", pickle, ["other"]),
    )
    return unittest.end(env)

plan_test = unittest.make(_plan_impl)

def _choice_impl(ctx):
    env = unittest.begin(ctx)
    variants = [("f16", 4000), ("q8", 0), ("q5", 2000)]

    # own, common, memory -> variant
    for own, common, memory, expected in [
        ("", "", "", "f16"),
        ("q5", "f16", "9000", "q5"),
        ("", "q8", "2000", "q8"),
        ("", "q4", "", "f16"),
        ("", "", "4000", "f16"),
        ("", "", "3999", "q5"),
        ("", "", "1MB", "f16"),
    ]:
        asserts.equals(env, (expected, None), choose("m", variants, own, common, memory))
    asserts.equals(env, ("", None), choose("m", [("", 0)], "", "", ""))
    for own, memory, expected in [
        ("q4", "", "got variant \"q4\", expected one of f16, q8, q5"),
        ("", "much", "got memory \"much\", expected bytes, such as 8GB, 512MiB or 400000000"),
        (
            "",
            "1999",
            "got memory of 1999 bytes, expected what one of them needs: f16 4000, q8 (not known), q5 2000\n" +
            "hint: --m:variant=NAME takes one all the same",
        ),
    ]:
        asserts.equals(env, (None, "error: model: m: " + expected), choose("m", variants, own, "", memory))
    asserts.equals(env, [5, 2000000000, 1048576, None, None], [parse_memory(text) for text in ["5", "2GB", "1MiB", "GB", "1.5GB"]])
    return unittest.end(env)

choice_test = unittest.make(_choice_impl)

def _hub_impl(ctx):
    env = unittest.begin(ctx)
    rows, repositories, _ = plan_models("h", _lock(_MODEL, _MODEL | {"name": "model"}), "L", "hermetic", [])
    files = hub_files("h", rows, repositories, "hermetic", [])
    asserts.equals(env, ["BUILD.bazel", "install.bzl", "m/BUILD.bazel", "model/BUILD.bazel"], sorted(files))
    asserts.true(env, "name = \"m\",\n    actual = \":model\"" in files["m/BUILD.bazel"])

    # A model with the name of a target is that target.
    asserts.equals(env, 1, files["model/BUILD.bazel"].count("name = \"model\""))
    asserts.equals(env, 2, files["install.bzl"].count("    model_repository("))
    reference = hub_files("h", rows, [], "reference", [])
    asserts.true(env, "    pass\n" in reference["install.bzl"])
    asserts.false(env, "@h__m" in reference["m/BUILD.bazel"])
    return unittest.end(env)

hub_test = unittest.make(_hub_impl)

def models_test_suite(name):
    """Declares the tests.

    Args:
      name: prefix of the targets.
    """
    unittest.suite(name, choice_test, hub_test, lock_test, plan_test)
