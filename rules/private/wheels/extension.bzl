"""Module extension `wheels`."""

load(":errors.bzl", "error_text")
load(":hub_repository.bzl", "hub_repository")
load(":plan.bzl", "plan_wheels")
load(":platforms.bzl", "DEFAULT_PLATFORMS", "DEFAULT_PYTHONS")
load(":wheel_repository.bzl", "wheel_repository")

visibility(["//rules"])

def _declare(module_ctx, tag):
    lock = str(tag.file)
    plan, error = plan_wheels(tag.name, module_ctx.read(tag.file), lock, tag.pythons, tag.platforms)
    if error:
        fail("\n" + error)
    for wheel in plan.wheels:
        wheel_repository(
            name = wheel.repository,
            package = wheel.package,
            version = wheel.version,
            python = wheel.python,
            platform = wheel.platform,
            hashes = wheel.hashes,
            lock = lock,
        )
    hub_repository(name = tag.name, hub = tag.name, file = tag.file, pythons = tag.pythons, platforms = tag.platforms)

def _wheels_impl(module_ctx):
    owners, direct, direct_dev = {}, [], []
    for module in module_ctx.modules:
        for tag in module.tags.lock:
            if tag.name in owners:
                fail("\n" + error_text(
                    "wheels",
                    "module '{}'".format(module.name),
                    "wheels.lock(name = '{}'), which module '{}' has too".format(tag.name, owners[tag.name]),
                    "a name of its own",
                ))
            owners[tag.name] = module.name
            _declare(module_ctx, tag)
            if module.is_root:
                (direct_dev if module_ctx.is_dev_dependency(tag) else direct).append(tag.name)

    # A function of the tags and of lock files in the source tree: nothing for MODULE.bazel.lock to remember.
    return module_ctx.extension_metadata(
        root_module_direct_deps = direct,
        root_module_direct_dev_deps = direct_dev,
        reproducible = True,
    )

_lock = tag_class(
    doc = "Makes the repository `name` from a lock: `@name//numpy` is the wheel for the platform that is built for.",
    attrs = {
        "name": attr.string(doc = "Name of the repository.", mandatory = True),
        "file": attr.label(doc = "requirements.txt with hashes.", mandatory = True),
        "pythons": attr.string_list(
            doc = "Versions of CPython, such as `3.11`. The first one is used when the flag python_version is not set.",
            default = DEFAULT_PYTHONS,
        ),
        "platforms": attr.string_list(
            doc = "Platforms: linux_x86_64, linux_aarch64. Default: both.",
            default = DEFAULT_PLATFORMS,
        ),
    },
)

wheels = module_extension(
    implementation = _wheels_impl,
    doc = "Python wheels from locks, one lazily fetched repository per wheel, python and platform.",
    tag_classes = {"lock": _lock},
)
