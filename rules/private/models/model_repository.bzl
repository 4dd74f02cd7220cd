"""Repository of one model. It is fetched when a build needs it, and not before."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "get_auth")
load("//rules/private/wheels:errors.bzl", "error_text")

# Repositories made in WORKSPACE files load this.
visibility("public")

_BUILD = """\
load("{rule}", "model")

package(default_visibility = ["//visibility:public"])

model(
    name = "model",
    srcs = {srcs},
    row = {row},
)

filegroup(
    name = "files",
    srcs = {srcs},
)
"""

def _model_repository_impl(rctx):
    row = json.decode(rctx.attr.row)
    pending = []
    for file in row["files"]:
        # Below a directory of their own: names of models' files are anything.
        pending.append((file, rctx.download(
            url = file["urls"],
            output = "files/" + file["path"],
            sha256 = file["sha256"],
            # Files of one digest are one file, whatever their urls are.
            canonical_id = file["sha256"],
            auth = get_auth(rctx, file["urls"]),
            allow_fail = True,
            block = False,
        )))
    for file, download in pending:
        if not download.wait().success:
            fail("\n" + error_text(
                "model",
                "{}: {}".format(rctx.attr.model, file["path"]),
                "nothing usable from {}, see the warnings above".format(" or ".join(file["urls"])),
                "the file with sha256:{} as pinned".format(file["sha256"]),
                "`inferctl models lock` pins it again, and shows what has changed",
            ))
    rctx.file("BUILD.bazel", _BUILD.format(
        rule = str(Label("//rules/private/models:model.bzl")),
        row = repr(rctx.attr.row),
        srcs = json.encode(["files/" + file["path"] for file in row["files"]]),
    ), executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

model_repository = repository_rule(
    implementation = _model_repository_impl,
    doc = "The files of one model: targets `:model` and `:files`.",
    attrs = {
        "model": attr.string(doc = "Its name, for messages.", mandatory = True),
        "row": attr.string(doc = "The row of the lock, as JSON.", mandatory = True),
    },
)
