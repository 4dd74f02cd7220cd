"""What a user's own rule does with a toolkit."""

load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/toolchains:cc_toolchain.bzl", "cc_toolchain")
load("@rules_cc//cc/toolchains:cc_toolchain_config_info.bzl", "CcToolchainConfigInfo")

_TYPE = "@rules_inference//toolchains/cuda:toolchain_type"
_VERSION = "@rules_inference//rules:cuda_version"

def _cubin_impl(ctx):
    toolkit = ctx.toolchains[_TYPE].cuda
    output = ctx.actions.declare_file(ctx.label.name + ".bin")
    args = ctx.actions.args()
    args.add_all(["-cubin", "-arch=sm_90a", "-o", output, ctx.file.src])
    ctx.actions.run(
        executable = toolkit.nvcc,
        arguments = [args],
        inputs = depset([ctx.file.src], transitive = [toolkit.compiler_files, toolkit.headers]),
        outputs = [output],
        env = {"PATH": "/bin:/usr/bin"},
    )
    return [DefaultInfo(files = depset([output]))]

_version = transition(
    implementation = lambda settings, attr: {_VERSION: attr.version or settings[_VERSION]},
    inputs = [_VERSION],
    outputs = [_VERSION],
)

cubin = rule(
    implementation = _cubin_impl,
    attrs = {
        "src": attr.label(allow_single_file = [".cu"]),
        "version": attr.string(),
        "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
    },
    cfg = _version,
    toolchains = [_TYPE],
)

def _toolkit_impl(ctx):
    toolkit = ctx.toolchains[_TYPE].cuda
    output = ctx.actions.declare_file(ctx.label.name + ".txt")
    runtime = [
        library.static_library.short_path
        for linker_input in toolkit.runtime.linking_context.linker_inputs.to_list()
        for library in linker_input.libraries
        if library.static_library
    ]
    ctx.actions.write(output, "{} {} {} {} {} {}\n".format(
        toolkit.version,
        toolkit.nvcc_version,
        toolkit.host_compilers.gcc_max,
        toolkit.archs[-1],
        toolkit.nvcc.short_path.split("__")[-1],
        runtime[0].split("__")[-1],
    ))
    return [DefaultInfo(files = depset([output]))]

toolkit = rule(implementation = _toolkit_impl, toolchains = [_TYPE])

def _config_impl(ctx):
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        compiler = "none",
        target_cpu = "none",
        target_libc = "none",
        target_system_name = "none",
        toolchain_identifier = "none",
    )

_config = rule(implementation = _config_impl, provides = [CcToolchainConfigInfo])

def no_cc_toolchain(name, constraint_values):
    """Declares a C++ toolchain that can be analysed, and nothing else.

    Args:
      name: of the toolchain, without `_toolchain`.
      constraint_values: of the machine that it is for.
    """
    native.filegroup(name = name + "_files")
    _config(name = name + "_config")
    cc_toolchain(
        name = name,
        toolchain_config = name + "_config",
        **{
            kind + "_files": name + "_files"
            for kind in ["all", "compiler", "dwp", "linker", "objcopy", "strip"]
        }
    )
    native.toolchain(
        name = name + "_toolchain",
        target_compatible_with = constraint_values,
        toolchain = name,
        toolchain_type = "@bazel_tools//tools/cpp:toolchain_type",
    )
