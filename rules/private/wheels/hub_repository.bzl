"""The hub: `@wheels//numpy`. It reads the lock and fetches nothing."""

load(":hub_files.bzl", "config_build", "install_bzl", "package_build", "requirements_bzl", "root_build")
load(":plan.bzl", "plan_wheels")

visibility(["//rules/private/wheels"])

def _hub_repository_impl(rctx):
    hub, pythons, platforms = rctx.attr.hub, rctx.attr.pythons, rctx.attr.platforms
    lock = str(rctx.attr.file)
    plan, error = plan_wheels(hub, rctx.read(rctx.attr.file), lock, pythons, platforms)
    if error:
        fail("\n" + error)
    files = {
        "BUILD.bazel": root_build(hub, plan.packages, pythons, platforms),
        "_config/BUILD.bazel": config_build(pythons, platforms),
        "install.bzl": install_bzl(hub, plan.wheels, lock),
        "requirements.bzl": requirements_bzl(hub, plan.packages, len(pythons) * len(platforms)),
    } | {
        name + "/BUILD.bazel": package_build(hub, name, configs, pythons, platforms)
        for name, configs in plan.packages.items()
        if configs
    }
    for path, text in files.items():
        rctx.file(path, text, executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

hub_repository = repository_rule(
    implementation = _hub_repository_impl,
    doc = "Entry to the wheels of one lock.",
    attrs = {
        "hub": attr.string(doc = "Name of the hub, as the user wrote it.", mandatory = True),
        "file": attr.label(doc = "requirements.txt with hashes.", mandatory = True, allow_single_file = True),
        "pythons": attr.string_list(doc = "Versions of CPython; the first one is the default.", mandatory = True),
        "platforms": attr.string_list(doc = "Names of platforms.", mandatory = True),
    },
)
