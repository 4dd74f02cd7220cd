"""Repository of one row of a lock. It is fetched when a build selects it, and not before."""

load(":fetch.bzl", "fetch")

# Repositories made in WORKSPACE files load this.
visibility("public")

_BUILD = """\
load("{rule}", "variant_archive")

package(default_visibility = ["//visibility:public"])

variant_archive(
    name = "artifact",
    srcs = {srcs},
    artifact = {artifact},
    row = {row},
    version = {version},
)

exports_files({srcs})
"""

def _archive_repository_impl(rctx):
    row = json.decode(rctx.attr.row)
    pieces = row.get("parts") or [{"sha256": row["sha256"], "urls": rctx.attr.urls}]
    srcs = []
    for index, piece in enumerate(pieces):
        # The name under which an archive that is no archive (format "file") reaches the user.
        name = piece["urls"][0].split("?")[0].split("#")[0].split("/")[-1] or "archive"
        if len(pieces) > 1:
            name = "part{}-{}".format(index, name)
        where = "{} {} ({}){}".format(
            rctx.attr.artifact,
            row["name"],
            row["platform"],
            " part {}".format(index) if len(pieces) > 1 else "",
        )
        fetch(rctx, piece["urls"], piece["sha256"], name, where, rctx.attr.names)
        srcs.append(name)
    rctx.file("BUILD.bazel", _BUILD.format(
        rule = str(Label("//rules/private/variants:archive.bzl")),
        srcs = json.encode(srcs),
        artifact = repr(rctx.attr.artifact),
        row = repr(rctx.attr.row),
        version = repr(rctx.attr.version),
    ), executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

archive_repository = repository_rule(
    implementation = _archive_repository_impl,
    doc = "One archive of a lock: target `:artifact`, unpacked.",
    attrs = {
        "artifact": attr.string(doc = "Name of the artifact, for messages.", mandatory = True),
        "names": attr.string_list(doc = "Variants that exist for the platform, for messages."),
        "row": attr.string(doc = "The row of the lock, as JSON.", mandatory = True),
        "urls": attr.string_list(doc = "Where the archive is; not used when it comes in parts."),
        "version": attr.string(doc = "Version of the artifact."),
    },
)
