"""Module extension `hermetic_cc`."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":declare.bzl", "declare_hermetic_cc")
load(":pins.bzl", "DEFAULT_GLIBC")

visibility(["//rules"])

def _hermetic_cc_impl(module_ctx):
    owners, direct, direct_dev = {}, [], []
    for module in module_ctx.modules:
        for tag in module.tags.toolchain:
            if tag.name in owners:
                fail("\n" + error_text(
                    "hermetic_cc",
                    "module '{}'".format(module.name),
                    "name '{}', which module '{}' has too".format(tag.name, owners[tag.name]),
                    "a name of its own",
                ))
            owners[tag.name] = module.name
            if module.is_root:
                (direct_dev if module_ctx.is_dev_dependency(tag) else direct).append(tag.name)
            declare_hermetic_cc(tag.name, tag.glibc)

    # A function of the tags: nothing for MODULE.bazel.lock to remember.
    return module_ctx.extension_metadata(
        root_module_direct_deps = direct,
        root_module_direct_dev_deps = direct_dev,
        reproducible = True,
    )

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
