"""The hub: `@wheels//numpy`. It reads the lock and fetches nothing."""

load(":errors.bzl", "error_text")
load(":hub_files.bzl", "config_build", "install_bzl", "override_builds", "package_build", "requirements_bzl", "root_build", "wheels_json")
load(":hub_targets.bzl", "deps_build", "lock_json", "missing_builds", "package_targets", "unused_builds")
load(":plan.bzl", "plan_wheels")
load(":platforms.bzl", "DEFAULT_NEWEST", "DEFAULT_PLATFORMS", "DEFAULT_PYTHONS")
load(":scan.bzl", "missed_name", "scan_lock")

visibility(["//rules/private/wheels"])

def _package_build(plan, hub, name, newest):
    return package_build(
        hub,
        name,
        plan.packages[name],
        lambda select: package_targets(plan, hub, name, newest, select),
        plan.overrides.get(name, ""),
    )

def _check_declared(content, lock, plan):
    """Ends the build when the extension, which looks at the lock only briefly, has not seen a package."""
    names, error = scan_lock(content, lock)
    missed = missed_name(names, plan.packages) if not error else None
    if missed:
        fail("\n" + error_text(
            "wheels lock",
            lock,
            "package '{}' where nobody looks for one".format(missed),
            "a lock in the shape that uv and pip write",
            "write the lock anew with the tool that made it",
        ))

def _hub_repository_impl(rctx):
    hub, pythons, platforms = rctx.attr.hub, rctx.attr.pythons, rctx.attr.platforms
    lock, newest = str(rctx.attr.file), DEFAULT_NEWEST | rctx.attr.newest
    content = rctx.read(rctx.attr.file)
    plan, error = plan_wheels(
        hub,
        content,
        lock,
        pythons,
        platforms,
        rctx.attr.extras,
        rctx.attr.groups,
        rctx.attr.newest,
        rctx.attr.overrides,
    )
    if error:
        fail("\n" + error)
    _check_declared(content, lock, plan)

    # The projects of the lock are the user's own targets, and no wheels.
    packages = {
        name: {
            config: place
            for config, place in configs.items()
            if name in plan.overrides or not plan.lock.packages[plan.used[config][name]].own
        }
        for name, configs in plan.packages.items()
    }
    files = {
        "BUILD.bazel": root_build(hub, packages, pythons, platforms),
        "_config/BUILD.bazel": config_build(pythons, platforms),
        "install.bzl": install_bzl(hub, plan.wheels),
        "lock.json": lock_json(plan),
        "requirements.bzl": requirements_bzl(hub, packages, len(pythons) * len(platforms)),
    } | {
        "_deps/{}/BUILD.bazel".format(config): deps_build(plan, config)
        for config, edges in plan.edges.items()
        if edges
    } | {
        name + "/BUILD.bazel": _package_build(plan, hub, name, newest)
        for name, configs in plan.packages.items()
        if configs
    } | wheels_json(plan) | override_builds(plan) | missing_builds(plan) | unused_builds(plan, hub)
    for path, text in files.items():
        rctx.file(path, text, executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

# Attributes of the hub that users write; also those of the extension's tag.
LOCK_ATTRS = {
    "extras": attr.string_list(doc = "Extras of the project that is locked (uv.lock, pylock.toml). Default: none."),
    "file": attr.label(
        doc = "The lock: requirements.txt with hashes, uv.lock, or pylock.toml.",
        mandatory = True,
        allow_single_file = True,
    ),
    "groups": attr.string_list(doc = "Dependency groups of the project that is locked. Default: none, or what pylock.toml says."),
    "newest": attr.string_dict(doc = "Newest system that a wheel may ask for. Default: " + str(DEFAULT_NEWEST)),
    "platforms": attr.string_list(
        doc = "Platforms such as `linux_x86_64`, `linux_x86_64_musl`, `macos_aarch64`. Default: the two of Linux with glibc.",
        default = DEFAULT_PLATFORMS,
    ),
    "pythons": attr.string_list(
        doc = "Versions of CPython: `3.11`, `3.11.9` where a marker asks for the patch release, `3.13t` for the free-threaded " +
              "one. The first one is used when the flag python_version is not set.",
        default = DEFAULT_PYTHONS,
    ),
}

hub_repository = repository_rule(
    implementation = _hub_repository_impl,
    doc = "Entry to the wheels of one lock.",
    attrs = LOCK_ATTRS | {
        "hub": attr.string(doc = "Name of the hub, as the user wrote it.", mandatory = True),
        "overrides": attr.string_dict(doc = "Package -> label of what is used instead of the wheel of the lock."),
    },
)
