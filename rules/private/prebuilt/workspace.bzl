"""Macro `plugins_prebuilt` for WORKSPACE files."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":declare.bzl", "HUB", "declare_plugins")

visibility(["//rules"])

def plugins_prebuilt(lock):
    """Takes the plugins out of the archives of a lock, and compiles none. Call it before `rules_inference_dependencies()`.

    Args:
      lock: lock of a set of plugins, of the same version as rules_inference: see its docs/plugins_prebuilt.md.
    """
    if HUB in native.existing_rules():
        fail("\n" + error_text(
            "plugins_prebuilt",
            "WORKSPACE",
            "plugins that are declared already",
            "one call of it, before rules_inference_dependencies()",
        ))
    declare_plugins(lock)

def plugins_from_source():
    """Declares that the plugins are compiled, where nothing else is declared."""
    if HUB not in native.existing_rules():
        declare_plugins(None)
