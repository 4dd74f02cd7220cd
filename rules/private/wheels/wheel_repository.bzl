"""Repository of one wheel. It is fetched when a build selects it, and not before."""

load(":errors.bzl", "error_text")
load(":fetch.bzl", "fetch_wheel")
load(":names.bzl", "repository_name")

# Repositories made in WORKSPACE files load this.
visibility("public")

_BUILD = """\
load("{wheel_file}", "wheel_file")

package(default_visibility = ["//visibility:public"])

wheel_file(
    name = "whl",
    src = "{file}",
    bytes = "{size}",
    package = "{package}",
    version = "{version}",
)
"""

# A package of its own: who wants the file only never loads the rule, nor rules_python with it.
_TREE_BUILD = """\
load("{wheel_tree}", "wheel_tree")

package(default_visibility = ["//visibility:public"])

wheel_tree(
    name = "tree",
    wheel = "//:whl",
)

filegroup(
    name = "metadata",
    srcs = [":tree"],
    output_group = "layout",
)
"""

_SDIST_BUILD = """\
filegroup(
    name = "sdist",
    srcs = ["{file}"],
    visibility = ["//visibility:public"],
)
"""

# As the tree: who wants the file only does not load the rule.
_LAYER_BUILD = """\
load("{wheel_layer}", "wheel_layer")

package(default_visibility = ["//visibility:public"])

wheel_layer(
    name = "layer",
    wheels = ["//:whl"],
)
"""

def _size(rctx, file):
    """Returns the bytes of a file as text. The file is pinned, so every machine says the same; POSIX has no shorter way."""
    result = rctx.execute(["wc", "-c", file])
    return result.stdout.strip().partition(" ")[0] if result.return_code == 0 else ""

def _description(rctx):
    """Returns what the hub says of this wheel."""

    # This repository and its hub have one prefix in MODULE mode, and none in WORKSPACE mode.
    own = repository_name(rctx.attr.hub, rctx.attr.package, rctx.attr.slot)
    hub = rctx.name.removesuffix(own) + rctx.attr.hub
    file = Label("@@{}//{}:wheels.json".format(hub, rctx.attr.package))  # buildifier: disable=canonical-repository
    slots = json.decode(rctx.read(file))
    if rctx.attr.slot not in slots:
        fail("\n" + error_text(
            "wheels",
            "@{}//{}".format(rctx.attr.hub, rctx.attr.package),
            "'{}', where it has no file of its own".format(rctx.attr.slot),
            "one of " + ", ".join(sorted(slots)),
            "build @{}//{}, which knows where its wheel is".format(rctx.attr.hub, rctx.attr.package),
        ))
    about = slots[rctx.attr.slot]
    return struct(package = rctx.attr.package, **{
        key: about.get(key, default)
        for key, default in _FIELDS.items()
    })

# What the hub may say of a wheel.
_FIELDS = {
    # Label of the lock, for messages and for what lies beside it.
    "lock": "",
    # As it is in the lock.
    "version": "",
    "file": "",
    "url": "",
    # Relative to the lock.
    "path": "",
    # The wheel has one of these.
    "hashes": [],
    # What it is for, where the lock does not name the file.
    "python": "",
    "platform": "",
    "newest": {},
}

def _wheel_repository_impl(rctx):
    wheel = _description(rctx)
    if rctx.attr.slot.startswith("sdist_"):
        rctx.file("BUILD.bazel", _SDIST_BUILD.format(file = fetch_wheel(rctx, wheel)), executable = False)
        return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None
    file = fetch_wheel(rctx, wheel)
    rctx.file("BUILD.bazel", _BUILD.format(
        wheel_file = str(Label("//rules/private/wheels:wheel_file.bzl")),
        file = file,
        size = _size(rctx, file),
        package = wheel.package,
        version = wheel.version,
    ), executable = False)
    rctx.file("tree/BUILD.bazel", _TREE_BUILD.format(
        wheel_tree = str(Label("//rules/private/wheels:wheel_tree.bzl")),
    ), executable = False)
    rctx.file("layer/BUILD.bazel", _LAYER_BUILD.format(wheel_layer = str(Label("//rules:layer.bzl"))), executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

wheel_repository = repository_rule(
    implementation = _wheel_repository_impl,
    doc = "One wheel: targets `:whl`, `//layer` (of an image), `//tree` (unpacked) and `//tree:metadata` (what is in it). " +
          "Or a source archive: `:sdist`.",
    attrs = {
        "hub": attr.string(doc = "The hub, which knows the rest.", mandatory = True),
        "package": attr.string(doc = "Name of the package, normalized (PEP 503).", mandatory = True),
        "slot": attr.string(
            doc = "Which of its files: a wheel by the first configuration that uses it, a source archive by its number.",
            mandatory = True,
        ),
    },
)

def declare_wheels(hub, package, slots):
    """Declares the repositories of a package. Many are declared and few are fetched, so that this has to be quick.

    Args:
      hub: name of the hub.
      package: normalized name.
      slots: which wheels.
    """
    prefix = repository_name(hub, package, "")
    for slot in slots:
        wheel_repository(name = prefix + slot, hub = hub, package = package, slot = slot)
