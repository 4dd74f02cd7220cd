"""What a model is between rules."""

visibility("//rules/...")

def _model_info_init(*, name, variant, revision, manifest, files, reference, row):
    for (field, value) in [("name", name), ("variant", variant), ("revision", revision), ("row", row)]:
        if type(value) != "string":
            fail("ModelInfo: {}: got {}, expected text".format(field, repr(value)))
    if type(manifest) != "File":
        fail("ModelInfo: manifest: got {}, expected a File".format(repr(manifest)))
    files = tuple(files)
    for item in files:
        if not (hasattr(item, "file") and hasattr(item, "path") and hasattr(item, "sha256")):
            fail("ModelInfo: files: got {}, expected structs with path, file, size, sha256 and format".format(repr(item)))
    return {
        "files": files,
        "manifest": manifest,
        "name": name,
        "reference": reference,
        "revision": revision,
        "row": row,
        "variant": variant,
    }

ModelInfo, _new_model_info = provider(
    doc = "One pinned model.",
    fields = {
        "files": "tuple of structs, by path: `path` (string, in the model), `file` (File), `size`, `sha256`, `format` as in " +
                 "the lock. Empty in reference mode.",
        "manifest": "File: a lock of this one model, for `inferctl models materialise`.",
        "name": "string: name of the model in its lock.",
        "reference": "bool: whether there is only the manifest.",
        "revision": "string: commit that it is of, or empty.",
        "row": "string: its row of the lock, as JSON.",
        "variant": "string: which build of the model, such as `q5_1`, or empty.",
    },
    init = _model_info_init,
)
