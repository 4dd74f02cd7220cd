"""Module extension `hermetic_cc`."""

load("//rules/private:extension_tags.bzl", "named_tags")
load(":declare.bzl", "declare_hermetic_cc")
load(":pins.bzl", "DEFAULT_GLIBC")

visibility(["//rules"])

def _hermetic_cc_impl(module_ctx):
    tags, metadata = named_tags(module_ctx, "hermetic_cc", lambda tags: tags.toolchain)
    for tag in tags:
        declare_hermetic_cc(tag.name, tag.glibc)
    return metadata

_toolchain = tag_class(
    doc = "Makes the repository `name` with C++ toolchains: `register_toolchains(\"@name//:all\")`.",
    attrs = {
        "glibc": attr.string(
            default = DEFAULT_GLIBC,
            doc = "Oldest version of glibc that programs start with. Default: {}.".format(DEFAULT_GLIBC),
        ),
        "name": attr.string(default = "hermetic_cc", doc = "Name of the repository. Default: `hermetic_cc`."),
    },
)

hermetic_cc = module_extension(
    implementation = _hermetic_cc_impl,
    doc = "C++ toolchains without a host compiler, whose programs start on old systems.",
    tag_classes = {"toolchain": _toolchain},
)
