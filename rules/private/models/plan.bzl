"""From a lock of models to repositories."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":lock.bzl", "UNSAFE_FORMATS", "model_name", "read_lock")

visibility(["//rules/private/models", "//tests/models/..."])

def repository_name(hub, row):
    """Returns the name of the repository of a model: models__whisper_base_en__q5_1."""
    return "{}__{}{}".format(hub, row["name"], "__" + row["variant"] if row.get("variant") else "")

def refusal(hub, row, allow):
    """Says why a build may not have a model.

    Args:
      hub: name of the hub.
      row: decoded model.
      allow: formats that the user takes although they are not safe.

    Returns:
      the text of the error, or None.
    """
    for file in row["files"]:
        if file["format"] in UNSAFE_FORMATS and file["format"] not in allow:
            return error_text(
                "model refused",
                "@{}//{}: {}".format(hub, row["name"], file["path"]),
                "a pickle, which runs code when it is loaded" if file["format"] == "pickle" else "bytes of no known format",
                "safetensors, gguf, ggml, onnx, tflite, json or text",
                "models.lock(name = \"{}\", allow = [\"{}\"]) takes it".format(hub, file["format"]),
            )
    return None

def plan_models(hub, text, where, mode, allow):
    """Reads a lock.

    Args:
      hub: name of the hub.
      text: content of the lock.
      where: label of the lock, for messages.
      mode: `hermetic` or `reference`.
      allow: formats that the user takes although they are not safe.

    Returns:
      (rows, repositories, error): the decoded models and one struct per repository with the attributes of
      model_repository(); or None, None and the text of what is wrong.
    """
    rows, error = read_lock(text, where)
    if error:
        return None, None, error
    repositories = [
        struct(name = repository_name(hub, row), model = model_name(row), row = json.encode(row))
        for row in rows
        if mode == "hermetic" and not refusal(hub, row, allow)
    ]
    return rows, repositories, None
