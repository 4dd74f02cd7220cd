"""Repository of the plugins for one platform. It is fetched when a build runs or ships one of them there, and not before."""

load("//rules/private:version.bzl", "VERSION")
load("//rules/private/variants:fetch.bzl", "fetch")
load("//rules/private/variants:lock.bzl", "row_urls")
load("//rules/private/wheels:errors.bzl", "error_text")
load(":plugins_lock.bzl", "no_row_text", "read_plugins_lock")
load(":programs.bzl", "PROGRAMS")

visibility("private")

_HEAD = """\
load("{rule}", "prebuilt_program")

package(default_visibility = ["//visibility:public"])
"""

_PROGRAM = """
prebuilt_program(
    name = "{name}",
    src = "bin/{name}",
)
"""

def _archive_repository_impl(rctx):
    where = str(rctx.attr.lock)
    lock, rows, error = read_plugins_lock(rctx.read(rctx.attr.lock), where)
    if error:
        fail("\n" + error)
    platform = rctx.attr.platform
    if platform not in rows:
        fail("\n" + no_row_text(where, rows))
    row = rows[platform]
    archive = "plugins." + row["format"]
    fetch(rctx, row_urls(lock, row), row["sha256"], archive, "{} ({})".format(lock["artifact"], platform), [row["name"]])

    # By position, as the name of the third one is another in newer versions of Bazel.
    rctx.extract(archive, "", row.get("strip_prefix", ""))
    rctx.delete(archive)
    missing = [name for name in PROGRAMS if not rctx.path("bin/" + name).exists]
    if missing:
        fail("\n" + error_text(
            "plugins",
            "{}: {}".format(where, platform),
            "an archive without " + ", ".join(["bin/" + name for name in missing]),
            "all programs of rules_inference " + VERSION,
        ))
    text = _HEAD.format(rule = str(Label("//rules/private/prebuilt:program.bzl")))
    rctx.file("BUILD.bazel", text + "".join([_PROGRAM.format(name = name) for name in PROGRAMS]), executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

archive_repository = repository_rule(
    implementation = _archive_repository_impl,
    doc = "The programs of rules_inference for one platform, out of the archive that a lock pins.",
    attrs = {
        "lock": attr.label(allow_single_file = True, doc = "Lock of a set of plugins.", mandatory = True),
        "platform": attr.string(doc = "`linux-x86_64` and the like.", mandatory = True),
    },
)
