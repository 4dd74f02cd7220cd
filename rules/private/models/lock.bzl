"""Reading of models.lock.json: what the rules rely on. `inferctl models lock --check` knows all rules of the format."""

load("//rules/private/wheels:errors.bzl", "error_text")

visibility(["//rules/private/models", "//tests/models/..."])

_FORMATS = ["ggml", "gguf", "json", "onnx", "other", "pickle", "safetensors", "text", "tflite"]

# What is taken only when the user says so.
UNSAFE_FORMATS = ["other", "pickle"]

# Other targets of a hub.
_RESERVED = ["choice", "files", "layer", "manifest", "memory", "variant"]

_NAME = "abcdefghijklmnopqrstuvwxyz0123456789._-"
_HEX = "0123456789abcdef"

def _only(text, alphabet):
    return type(text) == "string" and text and not text.strip(alphabet)

def _bad_path(path):
    if type(path) != "string" or not path or path.startswith("/") or "\\" in path or "\n" in path:
        return "a relative path"
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return "a path without empty components, '.' and '..'"
        if part in ("BUILD", "BUILD.bazel", "REPO.bazel", "MODULE.bazel", "WORKSPACE", "WORKSPACE.bazel"):
            return "a name that Bazel does not take for one of its own; leave the file out with --exclude"
    return None

def _bad_file(file):
    if type(file) != "dict":
        return repr(file), "an object"
    expected = _bad_path(file.get("path"))
    if expected:
        return "path {}".format(repr(file.get("path"))), expected
    if not _only(file.get("sha256"), _HEX) or len(file["sha256"]) != 64:
        return "sha256 {}".format(repr(file.get("sha256"))), "64 lower-case hex digits"
    if type(file.get("size", 0)) != "int" or file.get("size", 0) < 0:
        return "size {}".format(repr(file["size"])), "a number of bytes"
    urls = file.get("urls")
    if type(urls) != "list" or not urls or [url for url in urls if type(url) != "string" or "://" not in url]:
        return "urls {}".format(repr(urls)), "a list of urls"
    if file.get("format") not in _FORMATS:
        return "format {}".format(repr(file.get("format"))), "one of " + ", ".join(_FORMATS)
    return None

def _bad_model(model):
    if type(model) != "dict":
        return repr(model), "an object"
    if not _only(model.get("name"), _NAME) or model["name"] in _RESERVED:
        return "name {}".format(repr(model.get("name"))), "lower-case letters, digits, '-', '_', '.', and not one of " + ", ".join(_RESERVED)
    if type(model.get("variant", "")) != "string" or model.get("variant", "").strip(_NAME):
        return "variant {}".format(repr(model["variant"])), "lower-case letters, digits, '-', '_' and '.'"
    if type(model.get("min_memory_bytes", 0)) != "int":
        return "min_memory_bytes {}".format(repr(model["min_memory_bytes"])), "a number of bytes"
    files = model.get("files")
    if type(files) != "list" or not files:
        return "files {}".format(repr(files)), "a list of files"
    for file in files:
        bad = _bad_file(file)
        if bad:
            return bad
    return None

def model_name(row):
    """Returns `whisper_base_en` or `whisper_base_en:q5_1`."""
    return row["name"] + (":" + row["variant"] if row.get("variant") else "")

def read_lock(text, where):
    """Reads a lock.

    Args:
      text: content of the file.
      where: its label, for messages.

    Returns:
      (rows, error): the decoded models in the order of the lock, or None and the text of what is wrong.
    """
    lock = json.decode(text, None)
    if type(lock) != "dict":
        return None, error_text("models lock", where, "no JSON object", "the canonical JSON of a ModelsLock")
    if lock.get("lock_version") != 1:
        return None, error_text("models lock", where, "lock_version {}".format(repr(lock.get("lock_version"))), "1")
    rows = lock.get("models", [])
    if type(rows) != "list":
        return None, error_text("models lock", where, "models {}".format(repr(rows)), "a list")
    seen = {}
    for index, row in enumerate(rows):
        bad = _bad_model(row)
        if bad:
            name = model_name(row) if type(row) == "dict" and type(row.get("name")) == "string" and row["name"] else "model {}".format(index)
            return None, error_text("models lock", "{}: {}".format(where, name), bad[0], bad[1], "inferctl models lock --check says more")
        if model_name(row) in seen:
            return None, error_text("models lock", where, "{} a second time".format(model_name(row)), "one row per model and variant")
        seen[model_name(row)] = True
    return rows, None
