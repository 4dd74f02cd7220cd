"""The hub of a variant artifact: `@super_stt//:artifact`. It reads the lock and fetches nothing."""

load(":hub_files.bzl", "config_build", "install_bzl", "root_build")
load(":plan.bzl", "plan_variants")

visibility(["//rules/private/variants"])

def _hub_repository_impl(rctx):
    hub, where = rctx.attr.hub, str(rctx.attr.lock)
    lock, archives, error = plan_variants(hub, rctx.read(rctx.attr.lock), where, rctx.attr.chain)
    if error:
        fail("\n" + error)
    policy = struct(chain = rctx.attr.chain, devices = rctx.attr.devices, fallback = rctx.attr.fallback)
    for path, text in {
        "BUILD.bazel": root_build(hub, lock, where, policy),
        "_config/BUILD.bazel": config_build(hub, lock),
        "install.bzl": install_bzl(hub, archives),
    }.items():
        rctx.file(path, text, executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

# Attributes of the hub that users write; also those of the extension's tag.
ARTIFACT_ATTRS = {
    "lock": attr.label(doc = "variants.lock.json, written by `inferctl lock update`.", mandatory = True, allow_single_file = True),
    "chain": attr.string_list(doc = "Variants to try, in this order, after the requested one. Default: those that fit, best first."),
    "devices": attr.string(
        doc = "`all`: every device of the host must run it; `any`: one is enough. Default: the flag @rules_inference//rules:devices.",
        values = ["", "all", "any"],
    ),
    "fallback": attr.bool(doc = "False: only the first of the chain.", default = True),
}

hub_repository = repository_rule(
    implementation = _hub_repository_impl,
    doc = "Entry to the archives of one lock.",
    attrs = ARTIFACT_ATTRS | {
        "hub": attr.string(doc = "Name of the hub, as the user wrote it.", mandatory = True),
    },
)
