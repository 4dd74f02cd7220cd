"""Module extension `variants`."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":archive_repository.bzl", "archive_repository")
load(":hosts_repository.bzl", "hosts_repository")
load(":hub_repository.bzl", "ARTIFACT_ATTRS", "hub_repository")
load(":plan.bzl", "plan_variants")

visibility(["//rules"])

def _declare_artifact(module_ctx, tag):
    _, archives, error = plan_variants(tag.name, module_ctx.read(tag.lock), str(tag.lock), tag.chain)
    if error:
        fail("\n" + error)
    for archive in archives:
        archive_repository(
            name = archive.name,
            artifact = archive.artifact,
            names = archive.names,
            row = archive.row,
            urls = archive.urls,
            version = archive.version,
        )
    hub_repository(
        name = tag.name,
        hub = tag.name,
        lock = tag.lock,
        chain = tag.chain,
        devices = tag.devices,
        fallback = tag.fallback,
    )

def _variants_impl(module_ctx):
    owners, direct, direct_dev = {}, [], []
    for module in module_ctx.modules:
        for tag in module.tags.artifact + module.tags.hosts:
            if tag.name in owners:
                fail("\n" + error_text(
                    "variants",
                    "module '{}'".format(module.name),
                    "name '{}', which module '{}' has too".format(tag.name, owners[tag.name]),
                    "a name of its own",
                ))
            owners[tag.name] = module.name
            if module.is_root:
                (direct_dev if module_ctx.is_dev_dependency(tag) else direct).append(tag.name)
        for tag in module.tags.artifact:
            _declare_artifact(module_ctx, tag)
        for tag in module.tags.hosts:
            hosts_repository(name = tag.name, files = tag.files)

    # A function of the tags and of locks in the source tree: nothing for MODULE.bazel.lock to remember.
    return module_ctx.extension_metadata(
        root_module_direct_deps = direct,
        root_module_direct_dev_deps = direct_dev,
        reproducible = True,
    )

_artifact = tag_class(
    doc = "Makes the repository `name` from a lock: `@name//:artifact` is the variant that is selected.",
    attrs = ARTIFACT_ATTRS | {"name": attr.string(doc = "Name of the repository.", mandatory = True)},
)

_hosts = tag_class(
    doc = "Makes the repository `name` from host descriptors: `hosts/h200.json` is `@name//:h200`.",
    attrs = {
        "name": attr.string(doc = "Name of the repository.", mandatory = True),
        "files": attr.label_list(doc = "JSON files of `inferctl detect`.", mandatory = True),
    },
)

variants = module_extension(
    implementation = _variants_impl,
    doc = "Prebuilt archives per accelerator and platform from locks, one lazily fetched repository per archive.",
    tag_classes = {"artifact": _artifact, "hosts": _hosts},
)
