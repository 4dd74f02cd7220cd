"""The rule `cuda_archs_test`."""

load(":lock_action.bzl", "label_text")

visibility(["//rules/...", "//tests/release/..."])

def _cuda_archs_test_impl(ctx):
    for attribute, prefix, archs in [("cubins", "sm_", ctx.attr.cubins), ("ptx", "compute_", ctx.attr.ptx)]:
        for arch in archs:
            if not arch.startswith(prefix):
                fail("\nerror: cuda_archs_test: {}: {}: got {}, expected {}NN".format(label_text(ctx.label), attribute, repr(arch), prefix))
    test = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = test, target_file = ctx.executable._test, is_executable = True)
    runfiles = ctx.runfiles([ctx.file.binary])
    return [
        DefaultInfo(
            executable = test,
            files = depset([test]),
            runfiles = runfiles.merge(ctx.attr._test[DefaultInfo].default_runfiles),
        ),
        RunEnvironmentInfo(environment = {
            "CUDA_BINARY": ctx.file.binary.short_path,
            "CUDA_CUBINS": " ".join(ctx.attr.cubins),
            "CUDA_PTX": " ".join(ctx.attr.ptx),
        }),
    ]

cuda_archs_test = rule(
    implementation = _cuda_archs_test_impl,
    doc = """Holds a program, a library or an object to the CUDA code in it: exactly these architectures, no more and no less.

It reads the file and runs nothing, so it needs no device.""",
    attrs = {
        "binary": attr.label(
            allow_single_file = True,
            doc = "Target with one file, or a file: ELF, cubin or fat binary.",
            mandatory = True,
        ),
        "cubins": attr.string_list(doc = "Machine code, such as `sm_86` and `sm_90a`; default: none."),
        "ptx": attr.string_list(doc = "PTX, such as `compute_90`; default: none."),
        "_test": attr.label(
            cfg = "exec",
            default = "//toolchains/plugins:cuda_archs_test",
            doc = "Reads and compares.",
            executable = True,
        ),
    },
    test = True,
)
