"""`cuda_device_link`: completes relocatable device code for a program."""

load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load("//rules/private/providers:cuda_info.bzl", "CudaInfo")
load(":archs.bzl", "lto_arch")
load(":host.bzl", "CUDA_TOOLCHAINS", "NVCC_HOST_ATTRS", "cuda_toolkit", "nvcc_host_setup", "toolkit_context")

visibility(["//rules/private/cuda/compile", "//rules"])

_UNIT = """\
#define __CUDA_INCLUDE_COMPILER_INTERNAL_HEADERS__
#define FATBINFILE "{fatbin}"
#define REGISTERLINKBINARYFILE "{register}"
#define __NV_EXTRA_INITIALIZATION
#define __NV_EXTRA_FINALIZATION
#include "{stub}"
"""

_ModulesInfo = provider(
    doc = "Relocatable device code below a target.",
    fields = {"modules": "depset of structs, as in CudaInfo."},
)

def _modules_aspect_impl(target, ctx):
    below = [
        dep[_ModulesInfo].modules
        for name in ("deps", "implementation_deps")
        for dep in getattr(ctx.rule.attr, name, [])
        if _ModulesInfo in dep
    ]
    own = [target[CudaInfo].relocatable] if CudaInfo in target else []
    return [_ModulesInfo(modules = depset(transitive = own + below, order = "topological"))]

# C++ libraries in between do not hand CudaInfo on.
_modules_aspect = aspect(
    implementation = _modules_aspect_impl,
    attr_aspects = ["deps", "implementation_deps"],
)

def _common_archs(ctx, modules):
    first = modules[0]
    for module in modules[1:]:
        if module.archs != first.archs:
            fail("error: {}: device link: got {} of {}, expected {} as of {}\nhint: give both the same archs".format(
                ctx.label,
                ", ".join(module.archs),
                module.label,
                ", ".join(first.archs),
                first.label,
            ))
    return [arch for arch in first.archs if arch.startswith("sm_")]

def _link(ctx, toolkit, modules, arch):
    output = ctx.actions.declare_file("{}/{}.cubin".format(ctx.label.name, arch))
    args = ctx.actions.args()
    args.add("-m64")
    args.add(arch, format = "--arch=%s")
    images = [image for module in modules for image in module.images if image.arch in (arch, lto_arch(arch))]
    inputs = [image.file for image in images]
    library = []
    if [image for image in images if image.arch != arch]:
        if not toolkit.nvvm_library:
            fail("error: {}: lto: got no nvvm/lib64/libnvvm.so in CUDA {}, expected it in the compiler tree".format(
                ctx.label,
                toolkit.version,
            ))
        library.append(toolkit.nvvm_library)
        args.add("-dlto")
        args.add(toolkit.nvvm_library.path.rpartition("/lib64/")[0], format = "-nvvmpath=%s")
    args.add_all(inputs)
    args.add(toolkit.runtime_device_library)
    args.add("-o", output)
    ctx.actions.run(
        arguments = [args],
        env = {"PATH": "/usr/bin:/bin"},
        executable = toolkit.nvlink,
        execution_requirements = {"supports-path-mapping": "1"},
        inputs = depset(inputs + library + [toolkit.runtime_device_library], transitive = [toolkit.compiler_files]),
        mnemonic = "CudaDeviceLink",
        outputs = [output],
        progress_message = "Linking device code for {} %{{label}}".format(arch),
        toolchain = None,
    )
    return output

def _fatbinary(ctx, toolkit, cubins):
    output = ctx.actions.declare_file(ctx.label.name + "/linked.fatbin.inc")
    binary = ctx.actions.declare_file(ctx.label.name + "/linked.fatbin")
    args = ctx.actions.args()
    args.add("-64")
    args.add("--cmdline=--compile-only  ")
    args.add("-link")
    args.add(binary, format = "--create=%s")
    for arch, cubin in cubins.items():
        args.add(cubin, format = "--image3=kind=elf,sm={},file=%s".format(arch.removeprefix("sm_")))
    args.add(output, format = "--embedded-fatbin=%s")
    ctx.actions.run(
        arguments = [args],
        env = {"PATH": "/usr/bin:/bin"},
        executable = toolkit.fatbinary,
        execution_requirements = {"supports-path-mapping": "1"},
        inputs = depset(cubins.values(), transitive = [toolkit.compiler_files]),
        mnemonic = "CudaFatbinary",
        outputs = [output, binary],
        toolchain = None,
    )
    return struct(embedded = output, file = binary)

def _register_file(ctx, modules):
    """What `nvlink --register-link-binaries` writes for objects; the ids are known here, and cubins do not have them."""
    output = ctx.actions.declare_file(ctx.label.name + "/register.inc")
    lines = ["#define NUM_PRELINKED_OBJECTS {}".format(len(modules))]
    lines += ["DEFINE_REGISTER_FUNC({})".format(module.module_id) for module in modules]
    ctx.actions.write(output, "\n".join(lines) + "\n")
    return output

def _cuda_device_link_impl(ctx):
    # A program has to name each module, so this is where the depset ends.
    modules = depset(transitive = [dep[_ModulesInfo].modules for dep in ctx.attr.deps], order = "topological").to_list()
    if not modules:
        return [CcInfo(), DefaultInfo()]
    toolkit = cuda_toolkit(ctx)
    cc = nvcc_host_setup(ctx)
    cubins = {arch: _link(ctx, toolkit, modules, arch) for arch in _common_archs(ctx, modules)}
    fatbin = _fatbinary(ctx, toolkit, cubins)
    register = _register_file(ctx, modules)
    stub = ctx.actions.declare_file(ctx.label.name + "/link.stub.inc")
    ctx.actions.symlink(output = stub, target_file = toolkit.link_stub)
    unit = ctx.actions.declare_file(ctx.label.name + "/link.cc")
    ctx.actions.write(
        unit,
        _UNIT.format(fatbin = fatbin.embedded.basename, register = register.basename, stub = stub.basename),
    )
    _, outputs = cc_common.compile(
        actions = ctx.actions,
        cc_toolchain = cc.toolchain,
        compilation_contexts = [toolkit_context(toolkit)],
        feature_configuration = cc.features,
        name = ctx.label.name,
        private_hdrs = [fatbin.embedded, register, stub],
        srcs = [unit],
        user_compile_flags = ["-w"],
    )
    linking_context, _ = cc_common.create_linking_context_from_compilation_outputs(
        actions = ctx.actions,
        alwayslink = True,
        cc_toolchain = cc.toolchain,
        compilation_outputs = outputs,
        disallow_dynamic_library = True,
        feature_configuration = cc.features,
        linking_contexts = [toolkit.runtime.linking_context, toolkit.runtime_device.linking_context],
        name = ctx.label.name,
    )
    return [
        CcInfo(linking_context = linking_context),
        DefaultInfo(),
        OutputGroupInfo(cuda_fatbins = depset([fatbin.file]), cuda_images = depset(cubins.values())),
    ]

cuda_device_link = rule(
    implementation = _cuda_device_link_impl,
    doc = """The device link of a program: one `nvlink` for each architecture, over all relocatable device code in `deps`.

Add it to `deps` of one cc_binary, cc_test or cc_shared_library, beside the libraries themselves. Without such code it is empty.""",
    attrs = NVCC_HOST_ATTRS | {
        "deps": attr.label_list(
            aspects = [_modules_aspect],
            providers = [CcInfo],
            doc = "What the program depends on.",
        ),
    },
    fragments = ["cpp"],
    provides = [CcInfo],
    toolchains = CUDA_TOOLCHAINS,
)
