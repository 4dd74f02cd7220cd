"""The toolchains of a hermetic compiler, apart from what they are made of: that is fetched when one of them is used."""

load(":pins.bzl", "TARGETS", "ZIG_WHEELS")

# Repositories made in WORKSPACE files load this.
visibility("public")

_TOOLCHAIN = """
toolchain(
    name = "linux_{target}_from_{host}",
    exec_compatible_with = [
        "{os}",
        "{cpus}{host}",
    ],
    target_compatible_with = [
        "{os}",
        "{cpus}{target}",{constraint}
    ],
    toolchain = "@{hub}_linux_{target}//from_{host}:cc_toolchain",
    toolchain_type = "{type}",
)
"""

def _toolchains(rctx, constraint):
    return "".join([
        _TOOLCHAIN.format(
            constraint = "\n        \"{}\",".format(constraint) if constraint else "",
            cpus = str(Label("@platforms//cpu:x86_64")).removesuffix("x86_64"),
            host = host,
            hub = rctx.attr.hub,
            os = Label("@platforms//os:linux"),
            target = target,
            type = Label("@bazel_tools//tools/cpp:toolchain_type"),
        )
        for target in sorted(TARGETS)
        for host in sorted(ZIG_WHEELS)
    ])

def _hub_repository_impl(rctx):
    rctx.file(
        "BUILD.bazel",
        "# For platforms that ask for it.\n" + _toolchains(rctx, Label("//toolchains/cc:hermetic_cc")),
        executable = False,
    )
    rctx.file(
        "any_platform/BUILD.bazel",
        "# For all platforms: --extra_toolchains=@{}//any_platform:all\n".format(rctx.attr.hub) + _toolchains(rctx, None),
        executable = False,
    )
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

hub_repository = repository_rule(
    implementation = _hub_repository_impl,
    doc = "Toolchains: `//:all` for platforms with the constraint `hermetic_cc`, `//any_platform:all` for all.",
    attrs = {"hub": attr.string(doc = "Its own name, as the user has it.", mandatory = True)},
)
