"""A toolkit for rules that compile: a compiler tree of the machine that builds, a runtime of the machine that is built for."""

load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load("//rules/private/cuda/toolkit:compiler_info.bzl", "CudaCompilerInfo")
load("//rules/private/providers:cuda_toolkit_info.bzl", "CudaToolkitInfo")

# Hub repositories load this.
visibility("public")

def _with_virtual(archs):
    """Adds `compute_NN` for each `sm_NN`: PTX of it."""
    return archs + ["compute_" + arch.removeprefix("sm_") for arch in archs]

def _cuda_toolkit_impl(ctx):
    compiler = ctx.attr.compiler[CudaCompilerInfo]
    info = CudaToolkitInfo(
        archs = _with_virtual(compiler.archs),
        compiler_files = compiler.files,
        headers = compiler.headers,
        host_compilers = compiler.host_compilers,
        include_dirs = compiler.include_dirs,
        nvcc_version = compiler.nvcc_version,
        runtime = ctx.attr.runtime[CcInfo],
        runtime_device = ctx.attr.runtime_device[CcInfo],
        runtime_device_library = ctx.file.runtime_device_library,
        version = compiler.release,
        **compiler.tools
    )
    return [info, platform_common.ToolchainInfo(cuda = info)]

cuda_toolkit = rule(
    implementation = _cuda_toolkit_impl,
    doc = "A toolkit, as a toolchain: its field `cuda` is the CudaToolkitInfo.",
    attrs = {
        "compiler": attr.label(cfg = "exec", mandatory = True, providers = [CudaCompilerInfo], doc = "The compiler tree."),
        "runtime": attr.label(mandatory = True, providers = [CcInfo], doc = "The runtime, static."),
        "runtime_device": attr.label(mandatory = True, providers = [CcInfo], doc = "The runtime of device code."),
        "runtime_device_library": attr.label(allow_single_file = [".a"], mandatory = True, doc = "The file of that."),
    },
    provides = [CudaToolkitInfo],
)
