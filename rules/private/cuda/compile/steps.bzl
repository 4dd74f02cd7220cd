"""Actions of one CUDA source: see plugins/cuda/step.h for what each does."""

load(":archs.bzl", "lto_arch", "virtual_arch")

visibility(["//rules/private/cuda/compile"])

STEP_ATTRS = {
    "_step": attr.label(default = "//toolchains/plugins:cuda_step", executable = True, cfg = "exec"),
}

def _hex(number):
    return "%x" % (number if number >= 0 else number + (1 << 32))

def module_id(label, source):
    """Returns what makes names of internal linkage unique in a program: an identifier that no other source has.

    It follows from names alone, so it is the same on every machine and in every configuration, and cubins and host code of a
    source agree on it without an action that they would all wait for.

    Args:
      label: Label of the target.
      source: File.
    """
    text = "{}//{}:{}|{}".format(label.repo_name, label.package, label.name, source.short_path)
    name = "".join([char if char.isalnum() else "_" for char in source.basename.elems()])
    return "_{}{}_{}".format(_hex(hash(text)), _hex(hash(text + "|")), name)

def _args(ctx, job, step, output):
    args = ctx.actions.args()
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    args.add(step, format = "--step=%s")
    args.add(job.toolkit.nvcc, format = "--nvcc=%s")
    args.add(job.host.path, format = "--ccbin=%s")
    args.add(job.module_id, format = "--seed=%s")
    args.add(job.toolkit.version, format = "--toolkit=%s")
    args.add(job.toolkit.host_compilers.gcc_max, format = "--gcc_max=%s")
    args.add(job.toolkit.host_compilers.clang_max, format = "--clang_max=%s")
    args.add(output, format = "--output=%s")
    args.add_all(job.nvcc_flags, format_each = "--nvcc_flag=%s")
    return args

def _run(ctx, job, mnemonic, args, inputs, outputs, message, **kwargs):
    ctx.actions.run(
        arguments = [args],
        executable = ctx.executable._step,
        inputs = depset(inputs.files, transitive = [job.host.files, job.toolkit.compiler_files] + inputs.transitive),
        mnemonic = mnemonic,
        outputs = outputs,
        progress_message = "{} {}".format(message, job.source.short_path),
        toolchain = None,
        **kwargs
    )

def _preprocessed(ctx, job, args, mnemonic, output, extra_inputs, message):
    """An action that reads the source and headers; its next run looks only at headers that it has read."""
    unused = ctx.actions.declare_file(output.basename + ".unused", sibling = output)
    args.add(job.source, format = "--source=%s")
    args.add_all(job.archs, format_each = "--archs=%s")
    args.add_all(job.host.flags, format_each = "--host_flag=%s")
    args.add_all(job.headers, format_each = "--header=%s")
    args.add(unused, format = "--unused=%s")
    _run(
        ctx,
        job,
        mnemonic,
        args,
        struct(files = [job.source] + extra_inputs, transitive = [job.headers]),
        [output, unused],
        message,
        unused_inputs_list = unused,
    )

def _preprocess(ctx, job, virtual, arch):
    output = ctx.actions.declare_file("{}/{}.ii".format(job.folder, virtual))
    args = _args(ctx, job, "preprocess", output)
    args.add(arch, format = "--arch=%s")
    _preprocessed(ctx, job, args, "CudaPreprocess", output, [], "Preprocessing ({})".format(virtual))
    return output

# A file in place of the source: paths of configurations are no part of such actions.
_MAPPED = {"supports-path-mapping": "1"}

def _mapped(job):
    return {} if job.host.path.startswith("bazel-out/") else _MAPPED

def _memory(_os, _inputs):
    # Large kernels need far more; small ones, a tenth.
    return {"cpu": 1, "memory": 1000}

_EXTENSIONS = {"compute": "ptx", "lto": "ltoir", "sm": "cubin"}

def _compile(ctx, job, preprocessed, arch):
    image = ctx.actions.declare_file("{}/{}.{}".format(job.folder, arch, _EXTENSIONS[arch.partition("_")[0]]))
    stub = ctx.actions.declare_file("{}/{}.stub.h".format(job.folder, arch))
    args = _args(ctx, job, "compile", image)
    args.add(job.source.short_path, format = "--source=%s")
    args.add(arch, format = "--arch=%s")
    args.add(preprocessed, format = "--input=%s")
    args.add(job.module_id_file, format = "--module_id=%s")
    args.add(stub, format = "--stub=%s")
    args.add(job.stub_name, format = "--stub_name=%s")
    args.add(job.fatbin_name, format = "--fatbin=%s")
    args.add_all(job.ptxas_flags, format_each = "--nvcc_flag=-Xptxas=%s")
    _run(
        ctx,
        job,
        "CudaCompile",
        args,
        struct(files = [preprocessed, job.module_id_file], transitive = []),
        [image, stub],
        "Compiling for {}".format(arch),
        execution_requirements = _mapped(job),
        resource_set = _memory,
    )
    return struct(arch = arch, file = image, stub = stub)

def _split(ctx, job):
    output = ctx.actions.declare_file("{}/{}.cudafe1.cpp".format(job.folder, job.stem))
    args = _args(ctx, job, "split", output)
    args.add(job.module_id_file, format = "--module_id=%s")
    args.add(job.stub_name, format = "--stub_name=%s")
    _preprocessed(ctx, job, args, "CudaSplit", output, [job.module_id_file], "Splitting host code off")
    return output

def _fatbinary(ctx, job, name, images):
    fatbin = ctx.actions.declare_file("{}/{}.fatbin".format(job.folder, name))
    embedded = ctx.actions.declare_file("{}/{}.fatbin.inc".format(job.folder, name))
    args = _args(ctx, job, "fatbinary", fatbin)
    args.add(job.source.short_path, format = "--source=%s")
    args.add(job.module_id_file, format = "--module_id=%s")
    args.add(embedded, format = "--embedded=%s")
    for image in images:
        args.add(image.arch, format = "--archs=%s")
        args.add(image.file, format = "--image={}:%s".format(image.arch))
    _run(
        ctx,
        job,
        "CudaFatbinary",
        args,
        struct(files = [image.file for image in images] + [job.module_id_file], transitive = []),
        [fatbin, embedded],
        "Packing a fat binary of",
        execution_requirements = _mapped(job),
    )
    return struct(embedded = embedded, file = fatbin)

# What the host code of a source includes in place of the file with its fat binary, so that it is compiled once whatever is
# in that, and the unit that has the fat binary.
_DECLARE = """\
#include "fatbinary_section.h"
extern "C" __attribute__((visibility("hidden"))) const __fatBinC_Wrapper_t __fatDeviceText{id};
#define __fatDeviceText __fatDeviceText{id}
"""
_DEFINE = """\
#include "fatbinary_section.h"
extern "C" __attribute__((visibility("hidden"))) const __fatBinC_Wrapper_t __fatDeviceText{id};
#define __fatDeviceText __fatDeviceText{id}
#define static extern __attribute__((visibility("hidden")))
#include "{embedded}"
"""

# With relocatable device code the name is nvcc's, as the device link refers to it.
_DECLARE_RDC = """\
#include "fatbinary_section.h"
#undef __FATIDNAME_CORE
#undef __FATIDNAME
#define __FATIDNAME_CORE(x) __fatbinwrap##x
#define __FATIDNAME(x) __FATIDNAME_CORE(x)
extern "C" const __fatBinC_Wrapper_t __FATIDNAME({id});
"""
_DEFINE_RDC = """\
#include "fatbinary_section.h"
#define __NV_MODULE_ID {id}
#include "{embedded}"
"""

def _link_unit(ctx, job, image):
    """A C++ file with one image: nvlink drops kernels of images that it is not given as objects."""
    fatbin = _fatbinary(ctx, job, image.arch, [image])
    definition = ctx.actions.declare_file("{}/{}.fatbin.cc".format(job.folder, image.arch))
    ctx.actions.write(definition, _DEFINE_RDC.format(embedded = fatbin.embedded.basename, id = job.module_id))
    return struct(arch = image.arch, cpp = definition, headers = [fatbin.embedded], name = image.arch)

def cuda_source(ctx, source, toolkit, host, headers, archs, nvcc_flags, ptxas_flags, rdc, lto):
    """Makes the actions of one source.

    Args:
      ctx: rule context, of a rule with STEP_ATTRS.
      source: File.
      toolkit: CudaToolkitInfo.
      host: struct of host_compiler.
      headers: depset of Files that the source may include.
      archs: sorted list of strings.
      nvcc_flags: list of strings.
      ptxas_flags: list of strings, for cubins.
      rdc: bool.
      lto: bool, whether the device link makes cubins. Only with rdc.

    Returns:
      a struct: `units`, structs with a C++ file, `cpp`, the `headers` that it includes, and a `name`; `link_units`, the same with
      an `arch`, of which a device link with `lto` takes the objects; `fatbin`; `images`, structs with `arch` and `file`;
      `module_id`.
    """
    stem = source.basename.removesuffix(".cu")
    if lto:
        archs = [lto_arch(arch) for arch in archs]
    identifier = module_id(ctx.label, source)
    folder = "_cuda/{}/{}".format(ctx.label.name, source.short_path.replace("../", "external/"))
    module_id_file = ctx.actions.declare_file(folder + "/module_id")
    ctx.actions.write(module_id_file, identifier)
    job = struct(
        archs = archs,
        fatbin_name = stem + ".fatbin.h",
        folder = folder,
        headers = headers,
        host = host,
        module_id = identifier,
        module_id_file = module_id_file,
        nvcc_flags = host.nvcc_flags + nvcc_flags + (["-rdc=true"] if rdc else []),
        ptxas_flags = ptxas_flags,
        source = source,
        stem = stem,
        stub_name = stem + ".stub.h",
        toolkit = toolkit,
    )
    preprocessed = {}
    images = []
    for arch in archs:
        virtual = virtual_arch(arch)
        if virtual not in preprocessed:
            preprocessed[virtual] = _preprocess(ctx, job, virtual, arch)
        images.append(_compile(ctx, job, preprocessed[virtual], arch))
    fatbin = _fatbinary(ctx, job, stem, images)

    # Which architecture the registration comes from makes no difference; nvcc takes the last one too.
    stub = ctx.actions.declare_file("{}/{}".format(folder, job.stub_name))
    ctx.actions.symlink(output = stub, target_file = images[-1].stub)
    declaration = ctx.actions.declare_file("{}/{}".format(folder, job.fatbin_name))
    ctx.actions.write(declaration, (_DECLARE_RDC if rdc else _DECLARE).format(id = identifier))
    definition = ctx.actions.declare_file("{}/{}.fatbin.cc".format(folder, stem))
    ctx.actions.write(
        definition,
        (_DEFINE_RDC if rdc else _DEFINE).format(embedded = fatbin.embedded.basename, id = identifier),
    )
    return struct(
        fatbin = fatbin.file,
        images = [struct(arch = image.arch, file = image.file) for image in images],
        link_units = [_link_unit(ctx, job, image) for image in images if image.arch.startswith("lto_")],
        module_id = identifier,
        units = [
            struct(cpp = _split(ctx, job), headers = [stub, declaration], name = "host"),
            struct(cpp = definition, headers = [fatbin.embedded], name = "fatbin"),
        ],
    )
