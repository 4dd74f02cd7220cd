"""Rules of tests: what the compiler of the toolchain says and makes."""

visibility("private")

_TYPE = "//toolchains/cuda:toolchain_type"

def _nvcc(ctx, output, arguments, inputs = []):
    toolkit = ctx.toolchains[_TYPE].cuda
    args = ctx.actions.args()
    args.add_all(arguments)
    ctx.actions.run(
        executable = toolkit.nvcc,
        arguments = [args],
        inputs = depset(inputs, transitive = [toolkit.compiler_files, toolkit.headers]),
        outputs = [output],
        mnemonic = "TestNvcc",
        # nvcc asks the host compiler, whatever it is, to preprocess.
        env = {"PATH": "/bin:/usr/bin"},
    )

def _test_cubin_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".cubin")
    _nvcc(ctx, output, ["-cubin", "-arch=" + ctx.attr.arch, "-o", output, ctx.file.src], [ctx.file.src])
    return [DefaultInfo(files = depset([output]))]

test_cubin = rule(
    implementation = _test_cubin_impl,
    doc = "A cubin of a source without dependencies.",
    attrs = {
        "arch": attr.string(mandatory = True, doc = "Such as `sm_90a`."),
        "src": attr.label(allow_single_file = [".cu"], mandatory = True, doc = "The source."),
    },
    toolchains = [_TYPE],
)

def _test_toolkit_impl(ctx):
    toolkit = ctx.toolchains[_TYPE].cuda
    output = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.write(output, "".join([line + "\n" for line in [
        "version " + toolkit.version,
        "nvcc " + toolkit.nvcc_version,
        "gcc {}".format(toolkit.host_compilers.gcc_max),
        "clang {}".format(toolkit.host_compilers.clang_max),
        "archs " + " ".join(toolkit.archs),
    ]]))
    return [DefaultInfo(files = depset([output]))]

test_toolkit = rule(
    implementation = _test_toolkit_impl,
    doc = "What a toolkit says of itself, as a text.",
    toolchains = [_TYPE],
)
