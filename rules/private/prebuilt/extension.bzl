"""Module extension `plugins`."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":declare.bzl", "declare_plugins")

visibility(["//rules"])

def _plugins_impl(module_ctx):
    # What runs in a build is for the root module to decide: what a dependency says of its own builds is not heard.
    locks = [tag.lock for module in module_ctx.modules if module.is_root for tag in module.tags.prebuilt]
    other = [lock for lock in locks if lock != locks[0]]
    if other:
        fail("\n" + error_text("plugins.prebuilt", "MODULE.bazel", "{} and {}".format(locks[0], other[0]), "one lock"))
    declare_plugins(locks[0] if locks else None)
    return module_ctx.extension_metadata(reproducible = True)

_prebuilt = tag_class(
    doc = "Takes the plugins out of the archives of a lock, and compiles none. Only the root module's is heard.",
    attrs = {
        "lock": attr.label(
            doc = "Lock of a set of plugins, of the same version as rules_inference: see its docs/plugins_prebuilt.md.",
            mandatory = True,
        ),
    },
)

plugins = module_extension(
    implementation = _plugins_impl,
    doc = "Where the programs of rules_inference come from. Without a tag they are compiled.",
    tag_classes = {"prebuilt": _prebuilt},
)
