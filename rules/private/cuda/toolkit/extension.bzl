"""Module extension `cuda`: all modules' toolkits, merged into one hub."""

load(":component_repository.bzl", "component_repository")
load(":hub_repository.bzl", "hub_repository")
load(":local_repository.bzl", "local_repository")
load(":manifest.bzl", "read_manifest")
load(":names.bzl", "local_repository_name")
load(":plan.bzl", "merge_toolkits", "plan_release")
load(":releases.bzl", "pinned_manifest")

visibility(["//rules"])

_HUB = "cuda"

def _declared(module):
    """Returns what the tags of a module declare, in the order of each kind."""
    toolkits = []
    for tag in module.tags.toolkit:
        manifest, error = pinned_manifest(tag.version, tag.manifest, "module '{}'".format(module.name))
        if error:
            fail("\n" + error)
        toolkits.append(struct(label = manifest, manifest = str(manifest), path = "", urls = tag.urls, version = tag.version))
    for tag in module.tags.local_toolkit:
        toolkits.append(struct(label = None, manifest = "", path = tag.path, urls = [], version = tag.name))
    return [
        struct(
            is_root = module.is_root,
            label = toolkit.label,
            manifest = toolkit.manifest,
            module = module.name,
            path = toolkit.path,
            urls = toolkit.urls,
            version = toolkit.version,
        )
        for toolkit in toolkits
    ]

def _cuda_impl(module_ctx):
    toolkits, error = merge_toolkits([toolkit for module in module_ctx.modules for toolkit in _declared(module)])
    if error:
        fail("\n" + error)
    if not toolkits:
        fail("\nerror: cuda.toolkit: all modules: got none, expected cuda.toolkit(version = \"13.0\") in one of them")
    for toolkit in toolkits:
        if toolkit.path:
            local_repository(
                name = local_repository_name(_HUB, toolkit.version),
                hub = _HUB,
                path = toolkit.path,
                version = toolkit.version,
            )
            continue
        manifest, error = read_manifest(module_ctx.read(toolkit.label), toolkit.manifest, toolkit.version)
        if error:
            fail("\n" + error)
        for one in plan_release(_HUB, manifest, toolkit.manifest, toolkit.urls):
            component_repository(
                name = one.name,
                archs = one.archs,
                component = one.component,
                hub = one.hub,
                manifest = one.manifest,
                parts = one.parts,
                platform = one.platform,
                urls = one.urls,
                version = one.version,
            )
    hub_repository(
        name = _HUB,
        hub = _HUB,
        installed = {toolkit.version: toolkit.path for toolkit in toolkits if toolkit.path},
        manifests = {toolkit.label: toolkit.version for toolkit in toolkits if toolkit.label},
        urls = {toolkit.version: toolkit.urls for toolkit in toolkits if toolkit.urls},
        versions = [toolkit.version for toolkit in toolkits],
    )
    root = [module for module in module_ctx.modules if module.is_root]
    tags = [tag for module in root for tag in module.tags.toolkit + module.tags.local_toolkit]
    is_dev = bool(tags) and not [tag for tag in tags if not module_ctx.is_dev_dependency(tag)]

    # A function of the tags and of manifests in source trees: nothing for MODULE.bazel.lock to remember.
    return module_ctx.extension_metadata(
        root_module_direct_deps = [_HUB] if tags and not is_dev else [],
        root_module_direct_dev_deps = [_HUB] if tags and is_dev else [],
        reproducible = True,
    )

_toolkit = tag_class(
    doc = "Declares a release of the toolkit. Several may be declared, by any module; @rules_inference//rules:cuda_version chooses.",
    attrs = {
        "manifest": attr.label(
            allow_single_file = True,
            doc = "JSON file with its components. Default: the one that rules_inference has for that version.",
        ),
        "urls": attr.string_list(doc = "Where archives of the manifest are; their paths are added. Default: none, for wheels."),
        "version": attr.string(mandatory = True, doc = "The release, such as `13.0`."),
    },
)

_local_toolkit = tag_class(
    doc = "Declares a toolkit that is installed on this machine. Its version is read from it.",
    attrs = {
        "name": attr.string(default = "local", doc = "What @rules_inference//rules:cuda_version calls it."),
        "path": attr.string(mandatory = True, doc = "Absolute path of the folder with bin/nvcc."),
    },
)

cuda = module_extension(
    implementation = _cuda_impl,
    doc = "CUDA toolkits: the repository `cuda`, with a lazily fetched repository for the compiler and for each library.",
    tag_classes = {"local_toolkit": _local_toolkit, "toolkit": _toolkit},
)
