"""All repositories of the plugins, for the module extension and for WORKSPACE files."""

load("//rules/private/variants:platforms.bzl", "PLATFORMS")
load(":archive_repository.bzl", "archive_repository")
load(":hub_repository.bzl", "archive_repository_name", "hub_repository")

visibility("private")

HUB = "rules_inference_plugins"

def declare_plugins(lock):
    """Declares the repositories; nothing is fetched by it.

    There is one for each platform that locks know, so that what a lock has can be read later, in the repositories.

    Args:
      lock: label of the lock, or None: from source.
    """
    hub_repository(name = HUB, hub = HUB, lock = lock)
    if not lock:
        return
    for platform in PLATFORMS:
        archive_repository(name = archive_repository_name(HUB, platform), lock = lock, platform = platform)
