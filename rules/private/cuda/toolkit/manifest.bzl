"""Reads a manifest: which components a toolkit release has, and the pinned file of each one on each platform.

    {
      "version": "13.0",                          # what `cuda.toolkit` and `//rules:cuda_version` say
      "update": "13.0.2",
      "archs": ["sm_75", ...],                    # what its ptxas knows
      "components": {
        "nvcc": {
          "version": "13.0.88",
          "prefix": "nvidia/cu13",                # folder of a wheel that has bin, include and lib
          "platforms": {
            "linux-x86_64": {"wheel": "nvidia-cuda-nvcc", "file": "nvidia_cuda_nvcc-....whl", "size": N, "sha256": HEX},
            "linux-aarch64": {"redist": "cuda_nvcc/linux-sbsa/....tar.xz", "size": N, "sha256": HEX},
          }
        },
        "nccl": {"version": ..., "platforms": {"linux-aarch64": {"not_available": "why"}}}
      }
    }
"""

load("//rules/private/wheels:errors.bzl", "error_text")
load("//rules/private/wheels:names.bzl", "is_name", "is_version")
load(":names.bzl", "COMPONENTS", "PLATFORMS")

visibility(["//rules/private/cuda/toolkit", "//tests/cuda/..."])

_HINT = "write manifests with toolchains/cuda/manifests/make_manifest.py"

# Component archives, and what extract() calls them.
_ARCHIVES = [".tar.gz", ".tar.xz", ".zip"]

def _is_hex(text, length):
    return len(text) == length and not [char for char in text.elems() if char not in "0123456789abcdef"]

def _is_path(text):
    """Whether a text is a relative path without surprises."""
    parts = text.split("/")
    return not [part for part in parts if part in ["", ".", ".."] or "\\" in part]

def archive_stem(path):
    """Tells the folder in a component archive, which has the name of the file without its suffix.

    Args:
      path: path of the archive.

    Returns:
      the name, or None for a file of no known kind.
    """
    name = path.split("/")[-1]
    for suffix in _ARCHIVES:
        if name.endswith(suffix) and name != suffix:
            return name.removesuffix(suffix)
    return None

def _row_error(row):
    """Returns (got, expected) for a wrong row of a platform, or None."""
    if type(row) != "dict":
        return repr(row), "an object"
    kinds = [kind for kind in ["not_available", "redist", "wheel"] if kind in row]
    if len(kinds) != 1:
        return "a row with " + (" and ".join(kinds) or "none"), "one of not_available, redist and wheel"
    allowed = {"not_available": [], "redist": ["sha256", "size"], "wheel": ["file", "sha256", "size"]}[kinds[0]]
    for key in allowed:
        if key not in row:
            return "no '{}'".format(key), "one beside '{}'".format(kinds[0])
    for key, value in row.items():
        if key not in allowed and key != kinds[0]:
            return "'{}'".format(key), "nothing but {}".format(", ".join(sorted(kinds + allowed)))
        if type(value) != ("int" if key == "size" else "string") or not value:
            return "{} {}".format(key, repr(value)), ("a number of bytes" if key == "size" else "a text")
    if "sha256" in row and not _is_hex(row["sha256"], 64):
        return "sha256 '{}'".format(row["sha256"]), "64 lower-case hex digits"
    if "wheel" in row and not (is_name(row["wheel"]) and row["file"].endswith(".whl") and _is_path(row["file"]) and "/" not in row["file"]):
        return "wheel '{}', file '{}'".format(row["wheel"], row["file"]), "a package and the name of its wheel"
    if "redist" in row and not (_is_path(row["redist"]) and archive_stem(row["redist"])):
        return "redist '{}'".format(row["redist"]), "a relative path that ends with one of " + ", ".join(_ARCHIVES)
    return None

def _component_error(name, component):
    """Returns (where, got, expected) for a wrong component, or None."""
    if name not in COMPONENTS:
        return "components", "'{}'".format(name), "one of " + ", ".join(COMPONENTS)
    where = "component '{}'".format(name)
    if type(component) != "dict" or type(component.get("platforms")) != "dict":
        return where, "no 'platforms'", "an object with one row per platform"
    if not is_version(str(component.get("version", ""))):
        return where, "version '{}'".format(component.get("version", "")), "the version of the component"
    if component.get("prefix") and not _is_path(component["prefix"]):
        return where, "prefix '{}'".format(component["prefix"]), "a relative path"
    for platform, row in component["platforms"].items():
        if platform not in PLATFORMS:
            return where, "platform '{}'".format(platform), "one of " + ", ".join(sorted(PLATFORMS))
        error = _row_error(row)
        if error:
            return "{}, {}".format(where, platform), error[0], error[1]
    return None

def _arch_error(archs):
    if type(archs) != "list" or not archs:
        return "'archs' {}".format(repr(archs))
    for arch in archs:
        if type(arch) != "string" or not arch.startswith("sm_") or not arch[3:].rstrip("af").isdigit():
            return "arch {}".format(repr(arch))
    return None

def read_manifest(text, where, version):
    """Reads and checks a manifest.

    Args:
      text: its content.
      where: its label, for messages.
      version: the release that it was declared for.

    Returns:
      (manifest, error): the decoded manifest, or None and the text of what is wrong.
    """
    manifest = json.decode(text, default = None)
    if type(manifest) != "dict" or type(manifest.get("components")) != "dict":
        return None, error_text("cuda manifest", where, "no JSON object with 'components'", "a manifest", _HINT)
    if manifest.get("version") != version:
        return None, error_text(
            "cuda manifest",
            where,
            "version '{}'".format(manifest.get("version", "")),
            "'{}', as the toolkit is declared".format(version),
        )
    got = _arch_error(manifest.get("archs"))
    if got:
        return None, error_text("cuda manifest", where, got, "a list such as [\"sm_75\", \"sm_90a\"]", _HINT)
    for name, component in manifest["components"].items():
        error = _component_error(name, component)
        if error:
            return None, error_text("cuda manifest", "{}: {}".format(where, error[0]), error[1], error[2], _HINT)
    return manifest, None

def missing_reason(manifest, name, platform):
    """Tells why a release has no component on a platform.

    Args:
      manifest: a decoded manifest.
      name: the component.
      platform: a key of PLATFORMS.

    Returns:
      the reason, or None when it has it.
    """
    component = manifest["components"].get(name)
    if not component:
        return "no component '{}' in the manifest".format(name)
    row = component["platforms"].get(platform)
    if not row:
        return "no '{}' for {} in the manifest".format(name, platform)
    return row.get("not_available")
