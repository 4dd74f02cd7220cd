"""The platforms of variant locks: `<os>-<cpu>` in the words of @platforms."""

visibility(["//rules/...", "//tests/variants/..."])

OSES = ["linux", "macos", "windows"]
CPUS = ["aarch64", "x86_64"]

# Name -> labels of its constraint values.
PLATFORMS = {
    "{}-{}".format(os, cpu): [Label("@platforms//os:" + os), Label("@platforms//cpu:" + cpu)]
    for os in OSES
    for cpu in CPUS
}

# Attributes of a rule that calls `target_platform()`.
PLATFORM_ATTRS = {
    "_" + constraint.name: attr.label(default = constraint)
    for constraints in PLATFORMS.values()
    for constraint in constraints
}

def _found(ctx, names):
    for name in names:
        if ctx.target_platform_has_constraint(getattr(ctx.attr, "_" + name)[platform_common.ConstraintValueInfo]):
            return name
    return ""

def target_platform(ctx):
    """Names the platform that is built for.

    Args:
      ctx: context of a rule with PLATFORM_ATTRS.

    Returns:
      a key of PLATFORMS, or "" for a platform that is none of them.
    """
    name = "{}-{}".format(_found(ctx, OSES), _found(ctx, CPUS))
    return name if name in PLATFORMS else ""
