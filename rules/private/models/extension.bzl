"""Module extension `models`."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":hub_repository.bzl", "LOCK_ATTRS", "hub_repository")
load(":model_repository.bzl", "model_repository")
load(":plan.bzl", "plan_models")

visibility(["//rules"])

def _models_impl(module_ctx):
    owners, direct, direct_dev = {}, [], []
    for module in module_ctx.modules:
        for tag in module.tags.lock:
            if tag.name in owners:
                fail("\n" + error_text(
                    "models",
                    "module '{}'".format(module.name),
                    "name '{}', which module '{}' has too".format(tag.name, owners[tag.name]),
                    "a name of its own",
                ))
            owners[tag.name] = module.name
            if module.is_root:
                (direct_dev if module_ctx.is_dev_dependency(tag) else direct).append(tag.name)
            _, repositories, error = plan_models(tag.name, module_ctx.read(tag.file), str(tag.file), tag.mode, tag.allow)
            if error:
                fail("\n" + error)
            for item in repositories:
                model_repository(name = item.name, model = item.model, row = item.row)
            hub_repository(name = tag.name, hub = tag.name, file = tag.file, mode = tag.mode, allow = tag.allow)

    # A function of the tags and of locks in the source tree: nothing for MODULE.bazel.lock to remember.
    return module_ctx.extension_metadata(
        root_module_direct_deps = direct,
        root_module_direct_dev_deps = direct_dev,
        reproducible = True,
    )

_lock = tag_class(
    doc = "Makes the repository `name` from a lock: `@name//whisper_base_en` is that model.",
    attrs = LOCK_ATTRS | {"name": attr.string(doc = "Name of the repository.", mandatory = True)},
)

models = module_extension(
    implementation = _models_impl,
    doc = "Models from locks, one lazily fetched repository per model.",
    tag_classes = {"lock": _lock},
)
