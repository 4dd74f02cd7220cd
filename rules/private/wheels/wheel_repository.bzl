"""Repository of one wheel. It is fetched when a build selects it, and not before."""

load(":fetch.bzl", "fetch_wheel")

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

def _wheel_repository_impl(rctx):
    wheel = struct(
        package = rctx.attr.package,
        version = rctx.attr.version,
        python = rctx.attr.python,
        platform = rctx.attr.platform,
        hashes = rctx.attr.hashes,
        lock = rctx.attr.lock,
        newest = rctx.attr.newest,
        file = rctx.attr.file,
        url = rctx.attr.url,
        path = rctx.attr.path,
    )
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
    doc = "One wheel: targets `:whl`, `//layer` (of an image), `//tree` (unpacked) and `//tree:metadata` (what is in it).",
    attrs = {
        "package": attr.string(doc = "Name of the package, normalized (PEP 503).", mandatory = True),
        "version": attr.string(doc = "Its version.", mandatory = True),
        "python": attr.string(doc = "CPython that the wheel is for, such as `3.11`; where the lock does not name the file."),
        "platform": attr.string(doc = "Platform that it is for, such as `linux_x86_64`; where the lock does not name the file."),
        "newest": attr.string_dict(doc = "Newest systems that it may ask for; where the lock does not name the file."),
        "file": attr.string(doc = "File name, where the lock names it."),
        "url": attr.string(doc = "Where it is, when the lock says so."),
        "path": attr.string(doc = "Where it is, relative to the lock."),
        "lock_file": attr.label(doc = "The lock, for `path`.", allow_single_file = True),
        "hashes": attr.string_list(doc = "Pinned sha256 in hex; the wheel has one of them.", mandatory = True),
        "lock": attr.string(doc = "The lock, for messages.", mandatory = True),
    },
)
