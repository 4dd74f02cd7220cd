"""The hub of a lock of models: `@models//whisper_base_en`. It reads the lock and fetches nothing."""

load(":hub_files.bzl", "hub_files")
load(":lock.bzl", "UNSAFE_FORMATS")
load(":plan.bzl", "plan_models")

visibility(["//rules/private/models"])

def _hub_repository_impl(rctx):
    hub, mode, allow = rctx.attr.hub, rctx.attr.mode, rctx.attr.allow
    rows, repositories, error = plan_models(hub, rctx.read(rctx.attr.file), str(rctx.attr.file), mode, allow)
    for item in allow:
        if item not in UNSAFE_FORMATS:
            fail("models.lock: {}: allow: got {}, expected some of {}".format(hub, repr(item), ", ".join(UNSAFE_FORMATS)))
    if error:
        fail("\n" + error)
    for path, text in hub_files(hub, rows, repositories, mode, allow).items():
        rctx.file(path, text, executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

# Attributes of the hub that users write; also those of the extension's tag.
LOCK_ATTRS = {
    "allow": attr.string_list(
        doc = "Formats that a build takes although they are not safe: `pickle` (runs code when it is loaded), `other` (nobody " +
              "knows). Default: none.",
    ),
    "file": attr.label(doc = "models.lock.json, written by `inferctl models lock`.", mandatory = True, allow_single_file = True),
    "mode": attr.string(
        default = "hermetic",
        doc = "`hermetic` (default): files are inputs of the build, fetched when something needs them. `reference`: a model " +
              "is its manifest, and nothing is ever fetched.",
        values = ["hermetic", "reference"],
    ),
}

hub_repository = repository_rule(
    implementation = _hub_repository_impl,
    doc = "Entry to the models of one lock.",
    attrs = LOCK_ATTRS | {
        "hub": attr.string(doc = "Name of the hub, as the user wrote it.", mandatory = True),
    },
)
