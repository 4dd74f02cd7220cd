"""`cuda_library`: C++ and CUDA code for any C++ target."""

load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load("//rules/private/providers:cuda_info.bzl", "CudaInfo")
load(":archs.bzl", "ARCHS_ATTRS", "target_archs")
load(":host.bzl", "CUDA_TOOLCHAINS", "NVCC_HOST_ATTRS", "cc_setup", "cuda_toolkit", "host_compiler", "nvcc_host_setup", "toolkit_context")
load(":steps.bzl", "STEP_ATTRS", "cuda_source")

visibility(["//rules", "//rules/private/cuda/compile"])

_CPP = ["cc", "cpp", "cxx", "c++", "C"]
_HEADERS = ["h", "hh", "hpp", "hxx", "cuh", "inc", "inl"]

# What the rules say themselves, or what other attributes are for.
_OWN_FLAGS = {
    "--compile-only": "no such flag",
    "--compiler-bindir": "another C++ toolchain",
    "--gpu-architecture": "archs",
    "--gpu-code": "archs",
    "--keep": "--output_groups=cuda_images",
    "--relocatable-device-code": "rdc",
    "--std": "copts",
    "-arch": "archs",
    "-c": "no such flag",
    "-ccbin": "another C++ toolchain",
    "-code": "archs",
    "-dc": "rdc",
    "-dlto": "lto",
    "-gencode": "archs",
    "-keep": "--output_groups=cuda_images",
    "-o": "no such flag",
    "-rdc": "rdc",
    "-std": "copts",
}

def _check_flags(ctx):
    for flag in ctx.attr.cuda_copts:
        name = flag.partition("=")[0].partition(" ")[0]
        if name in _OWN_FLAGS:
            fail("error: {}: cuda_copts: got {}, expected {}".format(ctx.label, repr(flag), _OWN_FLAGS[name]))
    return ctx.attr.cuda_copts + (["--compress-mode=" + ctx.attr.compress_mode] if ctx.attr.compress_mode else [])

def _sources(ctx):
    """Returns a struct with the lists `cuda`, `cpp` and `headers`."""
    kinds = {"cpp": [], "cuda": [], "headers": []}
    for file in ctx.files.srcs:
        kind = "cuda" if file.extension == "cu" else "cpp" if file.extension in _CPP else "headers"
        kinds[kind].append(file)
    return struct(**kinds)

def _expand(ctx, values):
    return [ctx.expand_location(value, ctx.attr.data) for value in values]

def _compile_unit(ctx, toolkit, cc, source, unit, copts):
    """Compiles by itself: a fat binary is no input of the host code, nor is what other sources are made of."""
    return cc_common.compile(
        actions = ctx.actions,
        cc_toolchain = cc.toolchain,
        compilation_contexts = [toolkit_context(toolkit)],
        feature_configuration = cc.features,
        name = "{}{}.{}".format(ctx.label.name, source.module_id, unit.name),
        private_hdrs = unit.headers,
        srcs = [unit.cpp],
        # cudafe++ has warned about the code as it was written. What it writes is not ours.
        user_compile_flags = copts + ["-DCUDA_DOUBLE_MATH_FUNCTIONS", "-Wno-psabi", "-w"],
    )[1]

def _object(outputs):
    return (outputs.objects or outputs.pic_objects)[0]

def _cuda_library_impl(ctx):
    toolkit = cuda_toolkit(ctx)
    archs = target_archs(ctx, toolkit)
    nvcc_flags = _check_flags(ctx)
    rdc = ctx.attr.rdc or ctx.attr.lto
    cc = cc_setup(ctx)
    nvcc_host = nvcc_host_setup(ctx)
    sources = _sources(ctx)
    deps = [dep[CcInfo] for dep in ctx.attr.deps] + [toolkit.runtime] + ([toolkit.runtime_device] if rdc else [])
    copts = _expand(ctx, ctx.attr.copts)

    # Names that C++ does not know as headers go the other way.
    others = cc_common.create_compilation_context(
        headers = depset([file for file in sources.headers + ctx.files.hdrs if file.extension == "cuh"]),
    )

    # Headers and C++ sources, as cc_library has them; host code of CUDA sources is compiled by itself below.
    context, outputs = cc_common.compile(
        actions = ctx.actions,
        cc_toolchain = cc.toolchain,
        compilation_contexts = [others] + [dep.compilation_context for dep in deps],
        defines = ctx.attr.defines,
        feature_configuration = cc.features,
        includes = [path for include in ctx.attr.includes for path in _include(ctx, include)],
        local_defines = ctx.attr.local_defines,
        name = ctx.label.name,
        private_hdrs = [file for file in sources.headers if file.extension != "cuh"],
        public_hdrs = [file for file in ctx.files.hdrs if file.extension != "cuh"],
        srcs = sources.cpp,
        user_compile_flags = copts,
    )

    host = host_compiler(ctx, nvcc_host, context, copts, ctx.attr.local_defines)
    headers = depset(sources.headers + ctx.files.hdrs, transitive = [context.headers, toolkit.headers])
    cuda_sources = [
        cuda_source(
            ctx,
            archs = archs,
            headers = headers,
            host = host,
            nvcc_flags = nvcc_flags,
            lto = ctx.attr.lto,
            ptxas_flags = ctx.attr.ptxas_copts,
            rdc = rdc,
            source = source,
            toolkit = toolkit,
        )
        for source in sources.cuda
    ]
    outputs = cc_common.merge_compilation_outputs(compilation_outputs = [outputs] + [
        _compile_unit(ctx, toolkit, nvcc_host, source, unit, copts)
        for source in cuda_sources
        for unit in source.units
    ])

    linking_context, linking_outputs = cc_common.create_linking_context_from_compilation_outputs(
        actions = ctx.actions,
        alwayslink = ctx.attr.alwayslink,
        cc_toolchain = cc.toolchain,
        compilation_outputs = outputs,
        # One runtime in a program: cudart is linked statically, and a shared library would have another one.
        disallow_dynamic_library = True,
        feature_configuration = cc.features,
        linking_contexts = [dep.linking_context for dep in deps],
        name = ctx.label.name,
        user_link_flags = ctx.attr.linkopts,
    )
    library = linking_outputs.library_to_link
    infos = [dep[CudaInfo] for dep in ctx.attr.deps if CudaInfo in dep]
    relocatable = [
        struct(
            archs = tuple(archs),
            images = tuple([image for image in unit.images if image.arch.startswith("sm_")] + [
                struct(arch = part.arch, file = _object(_compile_unit(ctx, toolkit, nvcc_host, unit, part, copts)))
                for part in unit.link_units
            ]),
            label = ctx.label,
            module_id = unit.module_id,
        )
        for unit in cuda_sources
        if rdc
    ]
    images = depset([image.file for unit in cuda_sources for image in unit.images])
    return [
        DefaultInfo(
            files = depset([file for file in [library.static_library, library.pic_static_library] if file] if library else []),
            runfiles = ctx.runfiles(ctx.files.data).merge_all([
                dep[DefaultInfo].default_runfiles
                for dep in ctx.attr.deps + ctx.attr.data
            ]),
        ),
        CcInfo(
            compilation_context = context,
            linking_context = linking_context,
        ),
        CudaInfo(
            archs = archs,
            fatbins = depset([unit.fatbin for unit in cuda_sources], transitive = [info.fatbins for info in infos]),
            relocatable = depset(relocatable, transitive = [info.relocatable for info in infos]),
        ),
        OutputGroupInfo(
            cuda_fatbins = depset([unit.fatbin for unit in cuda_sources]),
            cuda_images = images,
        ),
    ]

def _include(ctx, path):
    """Returns a directory of `includes` twice: of sources, and of generated files."""
    if path.startswith("/") or ".." in path.split("/"):
        fail("error: {}: includes: got {}, expected a path in the package".format(ctx.label, repr(path)))
    parts = [ctx.label.workspace_root, ctx.label.package, "" if path == "." else path.removeprefix("./")]
    directory = "/".join([part for part in parts if part])
    return [directory or ".", ctx.bin_dir.path + ("/" + directory if directory else "")]

cuda_library = rule(
    implementation = _cuda_library_impl,
    doc = """C++ and CUDA code. Stands in `deps` of any C++ target.

Each architecture of a source is compiled in an action of its own, host code in another one.""",
    attrs = ARCHS_ATTRS | NVCC_HOST_ATTRS | STEP_ATTRS | {
        "alwayslink": attr.bool(doc = "Whether a program gets all of it, used or not. Default: False."),
        "compress_mode": attr.string(
            doc = "How fat binaries are packed; newer modes need a newer driver. Default: what nvcc does.",
            values = ["", "default", "size", "speed", "balance", "none"],
        ),
        "copts": attr.string_list(doc = "Flags of the host compiler, for all sources, also `-std=c++20`."),
        "cuda_copts": attr.string_list(doc = "Flags of nvcc, such as `--use_fast_math`, `-lineinfo`, `-G`."),
        "data": attr.label_list(allow_files = True, doc = "Files that the code reads when it runs."),
        "defines": attr.string_list(doc = "Macros, `NAME` or `NAME=value`, of the code and of all that depends on it."),
        "deps": attr.label_list(providers = [CcInfo], doc = "C++ and CUDA libraries."),
        "hdrs": attr.label_list(allow_files = ["." + name for name in _HEADERS], doc = "Headers for those who depend on it."),
        "includes": attr.string_list(doc = "Directories of the package to search for headers, also by those who depend on it."),
        "linkopts": attr.string_list(doc = "Flags for linking programs that have it."),
        "local_defines": attr.string_list(doc = "Macros of the code alone."),
        "lto": attr.bool(
            doc = "Whether device code is optimized when the program is linked, across its sources. Implies `rdc`. The device " +
                  "link then takes longer, and is what a change of any source repeats. Default: False.",
        ),
        "ptxas_copts": attr.string_list(doc = "Flags of ptxas, such as `-v`, `--maxrregcount=64`. Not used with `lto`."),
        "rdc": attr.bool(
            doc = "Whether device code is relocatable: calls device functions of other sources. A program then needs a device " +
                  "link: cuda_binary and cuda_test do it, other programs name a cuda_device_link. Default: False.",
        ),
        "srcs": attr.label_list(
            allow_files = ["." + name for name in ["cu"] + _CPP + _HEADERS],
            doc = "CUDA sources, C++ sources, and headers that only they include.",
        ),
    },
    fragments = ["cpp"],
    provides = [CcInfo, CudaInfo],
    toolchains = CUDA_TOOLCHAINS,
)
