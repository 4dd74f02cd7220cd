"""Tells a release which platform a build of it is for."""

load("//rules/private/variants:platforms.bzl", "PLATFORM_ATTRS", "target_platform")

visibility("private")

ReleasePlatformInfo = provider(
    doc = "The platform of a build.",
    fields = {"name": "string: `linux-x86_64` and the like; empty: one that locks have no name for."},
)

def _release_platform_impl(ctx):
    return [ReleasePlatformInfo(name = target_platform(ctx))]

release_platform = rule(
    implementation = _release_platform_impl,
    doc = "Names the platform that it is built for.",
    attrs = PLATFORM_ATTRS,
)
