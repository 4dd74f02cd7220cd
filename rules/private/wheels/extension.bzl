"""Module extension `wheels`. It reads no lock, but for the names in it (scan.bzl): every new server evaluates it again."""

load("//rules/private:extension_tags.bzl", "named_tags")
load(":hub_repository.bzl", "LOCK_ATTRS", "hub_repository")
load(":names.bzl", "config_name", "sdist_slot")
load(":plan.bzl", "check_axes")
load(":scan.bzl", "scan_lock")
load(":wheel_repository.bzl", "declare_wheels")

visibility(["//rules"])

def _declare(module_ctx, tag):
    lock = str(tag.file)
    error = check_axes(tag.name, tag.pythons, tag.platforms, tag.newest)
    names = None
    if not error:
        names, error = scan_lock(module_ctx.read(tag.file), lock)
    if error:
        fail("\n" + error)
    slots = [config_name(python, platform) for python in tag.pythons for platform in tag.platforms]
    for package, archives in names.items():
        declare_wheels(tag.name, package, slots)
        declare_wheels(tag.name, package, [sdist_slot(number) for number in range(archives)])
    hub_repository(
        name = tag.name,
        hub = tag.name,
        overrides = {package: str(label) for package, label in tag.overrides.items()},
        **{key: getattr(tag, key) for key in LOCK_ATTRS}
    )

def _wheels_impl(module_ctx):
    tags, metadata = named_tags(module_ctx, "wheels", lambda tags: tags.lock)
    for tag in tags:
        _declare(module_ctx, tag)
    return metadata

_lock = tag_class(
    doc = "Makes the repository `name` from a lock: `@name//numpy` is the wheel for the platform that is built for.",
    attrs = LOCK_ATTRS | {
        "name": attr.string(doc = "Name of the repository.", mandatory = True),
        "overrides": attr.string_keyed_label_dict(
            doc = "Package -> the target that `@name//package` and its dependents use instead of the wheel of the lock: a " +
                  "`patched_wheel` of `@name//package:pinned`, an `sdist_wheel`, any wheel. Default: none.",
        ),
    },
)

wheels = module_extension(
    implementation = _wheels_impl,
    doc = "Python wheels from locks, one lazily fetched repository per wheel.",
    tag_classes = {"lock": _lock},
)
