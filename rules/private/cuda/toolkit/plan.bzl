"""From manifests to repositories."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":manifest.bzl", "missing_reason")
load(":names.bzl", "LIBRARIES", "PLATFORMS", "TOOLS", "parts_of", "repository_name")

visibility(["//rules/private/cuda/toolkit", "//tests/cuda/..."])

# Without these there is no toolkit; the others of a group are in them in some releases.
_NEEDED = {"compiler": "nvcc", "cudart": "runtime"}

def repository_reason(manifest, name, platform):
    """Tells why there is no repository `name` ("compiler", "cudart" or a component), or None when there is one."""
    return missing_reason(manifest, _NEEDED.get(name, name), platform)

def plan_release(hub, manifest, where, urls):
    """Plans the repositories of a release.

    Args:
      hub: name of the hub.
      manifest: the decoded manifest.
      where: its label, for messages.
      urls: where its archives are, for components that are not wheels.

    Returns:
      a list of structs with the attributes of component_repository().
    """
    repositories = []
    for platform in sorted(PLATFORMS):
        for name in ["compiler", "cudart"] + sorted(LIBRARIES.keys() + TOOLS.keys()):
            if repository_reason(manifest, name, platform):
                continue
            parts = {
                part: {
                    "prefix": manifest["components"][part].get("prefix", ""),
                    "row": manifest["components"][part]["platforms"][platform],
                    "version": manifest["components"][part]["version"],
                }
                for part in parts_of(name)
                if not missing_reason(manifest, part, platform)
            }
            repositories.append(struct(
                name = repository_name(hub, manifest["version"], name, platform),
                archs = manifest["archs"] if name == "compiler" else [],
                component = name,
                hub = hub,
                manifest = where,
                parts = json.encode(parts),
                platform = platform,
                urls = urls if [part for part in parts.values() if "redist" in part["row"]] else [],
                version = manifest["version"],
            ))
    return repositories

def version_key(version):
    """Returns what versions are sorted by: 9.2 is before 13.0."""
    return [int(part) if part.isdigit() else 0 for part in version.split(".")]

def default_release(own, others):
    """Returns the release that is used when none is asked for.

    Args:
      own: releases of the root module, in its order.
      others: releases of all other modules.

    Returns:
      the root module's first, else the newest.
    """
    return own[0] if own else sorted(others, key = version_key)[-1]

def merge_toolkits(declared):
    """Merges what modules declare.

    Args:
      declared: list of structs (module, is_root, version, manifest, urls, path): one per tag, `path` of an installed toolkit.

    Returns:
      (toolkits, error): a list of structs, the default first, or None and the text of what is wrong.
    """
    found = {}
    for toolkit in declared:
        first = found.get(toolkit.version)
        if not first:
            found[toolkit.version] = toolkit
            continue
        for what in ["manifest", "urls", "path"]:
            if getattr(first, what) != getattr(toolkit, what):
                return None, error_text(
                    "cuda.toolkit",
                    "'{}' of module '{}'".format(toolkit.version, toolkit.module),
                    "{} {}".format(what, _show(getattr(toolkit, what))),
                    "{}, as module '{}' has it".format(_show(getattr(first, what)), first.module),
                    "one release has one {}; give one of them a version of its own".format(what),
                )
    if not found:
        return [], None
    default = default_release(
        [toolkit.version for toolkit in declared if toolkit.is_root],
        [toolkit.version for toolkit in declared],
    )
    rest = sorted([version for version in found if version != default], key = version_key)
    return [found[version] for version in [default] + rest], None

def _show(value):
    return "[{}]".format(", ".join(value)) if type(value) == "list" else "'{}'".format(value)
