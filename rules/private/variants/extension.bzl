"""Module extension `variants`."""

load("//rules/private:extension_tags.bzl", "named_tags")
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
    _, metadata = named_tags(module_ctx, "variants", lambda tags: tags.artifact + tags.hosts)
    for module in module_ctx.modules:
        for tag in module.tags.artifact:
            _declare_artifact(module_ctx, tag)
        for tag in module.tags.hosts:
            hosts_repository(name = tag.name, files = tag.files)
    return metadata

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
