"""The compiler tree of a toolkit, as its repository describes it."""

load("//rules/private/cuda/toolkit:compiler_info.bzl", "CudaCompilerInfo")

# Component repositories load this.
visibility("public")

_TOOLS = ["bin2c", "cicc", "cudafe", "fatbinary", "libdevice", "link_stub", "nvcc", "nvlink", "ptxas"]

def _cuda_compiler_impl(ctx):
    root = ctx.label.workspace_root
    return [
        DefaultInfo(files = depset(ctx.files.files)),
        CudaCompilerInfo(
            archs = ctx.attr.archs,
            files = depset(ctx.files.files),
            headers = depset(ctx.files.headers),
            host_compilers = struct(clang_max = ctx.attr.clang_max, gcc_max = ctx.attr.gcc_max),
            include_dirs = ["{}/{}".format(root, path) for path in ctx.attr.include_dirs],
            nvcc_version = ctx.attr.nvcc_version,
            release = ctx.attr.release,
            tools = {name: getattr(ctx.file, name) for name in _TOOLS} | {"nvvm_library": ctx.file.nvvm_library},
        ),
    ]

cuda_compiler = rule(
    implementation = _cuda_compiler_impl,
    doc = "Describes a compiler tree.",
    attrs = {
        name: attr.label(allow_single_file = True, mandatory = True, doc = "That file.")
        for name in _TOOLS
    } | {
        "archs": attr.string_list(doc = "Cubin architectures that its ptxas knows."),
        "clang_max": attr.int(doc = "Newest major of clang that it takes; 0: not known."),
        "files": attr.label_list(allow_files = True, doc = "Tools, and what they need beside themselves."),
        "gcc_max": attr.int(doc = "Newest major of gcc that it takes; 0: not known."),
        "headers": attr.label_list(allow_files = True, doc = "Headers of the runtime, of the compiler and of CCCL."),
        "include_dirs": attr.string_list(doc = "Directories of these, in the repository."),
        "nvcc_version": attr.string(doc = "Version of nvcc."),
        "nvvm_library": attr.label(allow_single_file = True, doc = "The compiler as a library. Default: none."),
        "release": attr.string(doc = "Version of the toolkit."),
    },
    provides = [CudaCompilerInfo],
)
