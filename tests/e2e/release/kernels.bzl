"""Real CUDA code without a toolkit: fat binaries that nvcc 13.0 has made of `__global__ void Empty() {}`, as assembly.

    nvcc -fatbin empty.cu -o sm_86.fatbin -gencode arch=compute_86,code=sm_86
"""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")

def _kernels_impl(ctx):
    archs = ctx.attr.archs or ctx.attr._archs[BuildSettingInfo].value
    files = {file.basename.removesuffix(".fatbin"): file for file in ctx.files.fatbins}
    lines = ['.section .nv_fatbin,"a",@progbits', ".balign 8", ".globl kernels_begin", "kernels_begin:"]
    for arch in archs:
        lines += ['.incbin "{}"'.format(files[arch].path), ".balign 8"]
    lines += [".globl kernels_end", "kernels_end:", ".byte 0", '.section .note.GNU-stack,"",@progbits', ""]
    source = ctx.actions.declare_file(ctx.label.name + ".S")
    ctx.actions.write(source, "\n".join(lines))
    return [DefaultInfo(files = depset([source]))]

kernels = rule(
    implementation = _kernels_impl,
    doc = "Assembly with the fat binaries of `//rules:cuda_archs`, or of `archs`.",
    attrs = {
        "archs": attr.string_list(doc = "Architectures; default: those of the flag."),
        "fatbins": attr.label_list(allow_files = [".fatbin"], doc = "One for each architecture, by its name."),
        "_archs": attr.label(default = "@rules_inference//rules:cuda_archs"),
    },
)
