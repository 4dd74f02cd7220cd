"""The hub of toolkits, `@cuda`. It reads manifests and fetches nothing."""

load(":hub_files.bzl", "config_build", "install_bzl", "root_build", "toolkit_build")
load(":manifest.bzl", "read_manifest")
load(":names.bzl", "PLATFORMS")
load(":plan.bzl", "plan_release")

visibility(["//rules/private/cuda/toolkit"])

def _own_platform(rctx):
    """The platform of an installed toolkit: the one of this machine."""
    cpu = {"amd64": "x86_64", "arm64": "aarch64"}.get(rctx.os.arch, rctx.os.arch)
    name = "{}-{}".format(rctx.os.name, cpu)
    if name not in PLATFORMS:
        fail("\nerror: cuda.local_toolkit: {}: got a machine '{}', expected one of {}".format(
            rctx.attr.hub,
            name,
            ", ".join(sorted(PLATFORMS)),
        ))
    return name

def _hub_repository_impl(rctx):
    releases, repositories = [], []
    manifests = {version: label for label, versions in rctx.attr.manifests.items() for version in versions.split(" ")}
    for version in rctx.attr.versions:
        if version in rctx.attr.installed:
            releases.append(struct(local = _own_platform(rctx), manifest = None, version = version))
            continue
        where = str(manifests[version])
        manifest, error = read_manifest(rctx.read(manifests[version]), where, version)
        if error:
            fail("\n" + error)
        releases.append(struct(local = "", manifest = manifest, version = version))
        repositories += plan_release(rctx.attr.hub, manifest, where, rctx.attr.urls.get(version, []))
    for path, text in {
        "BUILD.bazel": root_build(rctx.attr.hub, releases),
        "_config/BUILD.bazel": config_build(rctx.attr.hub, releases),
        "_toolkit/BUILD.bazel": toolkit_build(rctx.attr.hub, releases),
        "install.bzl": install_bzl(rctx.attr.hub, repositories, rctx.attr.installed),
    }.items():
        rctx.file(path, text, executable = False)
    reproducible = not rctx.attr.installed
    return rctx.repo_metadata(reproducible = reproducible) if hasattr(rctx, "repo_metadata") else None

hub_repository = repository_rule(
    implementation = _hub_repository_impl,
    doc = "Entry to all toolkits of a build.",
    attrs = {
        "hub": attr.string(mandatory = True, doc = "Name of the hub, as the user wrote it."),
        "installed": attr.string_dict(doc = "Installed toolkits: version -> path. Default: none."),
        "manifests": attr.label_keyed_string_dict(allow_files = True, doc = "Manifest -> its release; several with spaces between, one of which is then refused."),
        "urls": attr.string_list_dict(doc = "Release -> where its archives are. Default: none."),
        "versions": attr.string_list(mandatory = True, doc = "All releases, the default first."),
    },
)
