"""Which python and platform of a hub a build is for, as a value that config_setting() can look at."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load(":names.bzl", "config_name", "python_tag")
load(":platforms.bzl", "PLATFORMS")

# Hub repositories load this.
visibility("public")

def _attribute(label):
    return "_{}_{}".format(label.package, label.name)

_CONSTRAINTS = {
    _attribute(label): attr.label(default = label)
    for platform in PLATFORMS.values()
    for label in platform.constraints
}

def _fits(ctx, platform):
    libc = ctx.attr._libc[BuildSettingInfo].value
    about = PLATFORMS[platform]
    if libc and about.family in ["glibc", "musl"] and about.family != libc:
        return False
    for label in about.constraints:
        constraint = getattr(ctx.attr, _attribute(label))[platform_common.ConstraintValueInfo]
        if not ctx.target_platform_has_constraint(constraint):
            return False
    return True

def _wheel_choice_impl(ctx):
    wanted = ctx.attr._python[BuildSettingInfo].value
    pythons = [python for python in ctx.attr.pythons if not wanted or python_tag(python) == python_tag(wanted)]
    platforms = [platform for platform in ctx.attr.platforms if _fits(ctx, platform)]

    # "none" has no config_setting: each select() then says what there is.
    value = config_name(pythons[0], platforms[0]) if pythons and platforms else "none"
    return [config_common.FeatureFlagInfo(value = value)]

wheel_choice = rule(
    implementation = _wheel_choice_impl,
    doc = "The configuration of a hub, such as `cp311_linux_x86_64`: the first python and platform of the lock that fit.",
    attrs = _CONSTRAINTS | {
        "platforms": attr.string_list(mandatory = True, doc = "Platforms of the lock."),
        "pythons": attr.string_list(mandatory = True, doc = "Pythons of the lock; the first one when none is asked for."),
        "_libc": attr.label(default = "//rules/private/wheels:libc"),
        "_python": attr.label(default = "//rules/private/wheels:python_version"),
    },
)
