"""Module extension `models`."""

load("//rules/private:extension_tags.bzl", "named_tags")
load(":hub_repository.bzl", "LOCK_ATTRS", "hub_repository")
load(":model_repository.bzl", "model_repository")
load(":plan.bzl", "plan_models")

visibility(["//rules"])

def _models_impl(module_ctx):
    tags, metadata = named_tags(module_ctx, "models", lambda tags: tags.lock)
    for tag in tags:
        _, repositories, error = plan_models(tag.name, module_ctx.read(tag.file), str(tag.file), tag.mode, tag.allow)
        if error:
            fail("\n" + error)
        for item in repositories:
            model_repository(name = item.name, model = item.model, row = item.row)
        hub_repository(name = tag.name, hub = tag.name, file = tag.file, mode = tag.mode, allow = tag.allow)
    return metadata

_lock = tag_class(
    doc = "Makes the repository `name` from a lock: `@name//whisper_base_en` is that model.",
    attrs = LOCK_ATTRS | {"name": attr.string(doc = "Name of the repository.", mandatory = True)},
)

models = module_extension(
    implementation = _models_impl,
    doc = "Models from locks, one lazily fetched repository per model.",
    tag_classes = {"lock": _lock},
)
