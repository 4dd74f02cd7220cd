"""The C++ toolchain, as CUDA code needs it: its compiler preprocesses device code and compiles host code."""

load("@rules_cc//cc:action_names.bzl", "CPP_COMPILE_ACTION_NAME")
load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain", "use_cc_toolchain")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")

visibility(["//rules/private/cuda/..."])

CUDA_TOOLCHAIN_TYPE = "//toolchains/cuda:toolchain_type"

CUDA_TOOLCHAINS = [config_common.toolchain_type(CUDA_TOOLCHAIN_TYPE, mandatory = False)] + use_cc_toolchain()

# Standards by the names that they had before they had a year.
_STANDARDS = {"0x": "11", "1y": "14", "1z": "17", "2a": "20", "2b": "23", "2c": "26"}

def cuda_toolkit(ctx):
    """Finds the toolkit of a rule with CUDA_TOOLCHAINS, and fails when there is none.

    Args:
      ctx: rule context.

    Returns:
      a CudaToolkitInfo.
    """
    toolchain = ctx.toolchains[CUDA_TOOLCHAIN_TYPE]
    if not toolchain:
        fail(("error: {}: CUDA toolkit: got none for this platform, expected a registered one\nhint: declare " +
              "cuda.toolkit(version = \"13.0\") and register_toolchains(\"@cuda//:all\"), or build without CUDA: " +
              "--no@rules_inference//rules:cuda").format(ctx.label))
    return toolchain.cuda

# Attributes of rules that compile what is made of headers of nvcc.
NVCC_HOST_ATTRS = {
    "_exec_cc": attr.label(cfg = "exec", default = "@rules_cc//cc:current_cc_toolchain"),
    "_hermetic_cc": attr.label(default = "//toolchains/cc:hermetic_cc"),
}

def cc_setup(ctx):
    """Returns a struct with `toolchain` and `features` of C++.

    Args:
      ctx: rule context.
    """
    return _setup(ctx, find_cc_toolchain(ctx))

def nvcc_host_setup(ctx):
    """Returns what cc_setup does, of a compiler that nvcc takes.

    The headers of nvcc refuse libc++, which the hermetic toolchain has: with that one, code of CUDA sources is compiled by
    the compiler of the machine that builds, and linked by the hermetic one. docs/hermetic_cc.md says what such code may use.

    Args:
      ctx: rule context, of a rule with NVCC_HOST_ATTRS.

    Returns:
      a struct with `toolchain` and `features`.
    """
    if not ctx.target_platform_has_constraint(ctx.attr._hermetic_cc[platform_common.ConstraintValueInfo]):
        return cc_setup(ctx)
    toolchain = ctx.attr._exec_cc[cc_common.CcToolchainInfo]
    building, wanted = _cpu(toolchain), _cpu(find_cc_toolchain(ctx))
    if building != wanted:
        fail(("error: {}: CUDA code with the hermetic C++ toolchain: got a machine of {} to build on, expected one of {}\nhint: {}").format(
            ctx.label,
            building,
            wanted,
            "nvcc takes the compiler of that machine; leave CUDA out with --no@rules_inference//rules:cuda, or build there",
        ))
    return _setup(ctx, toolchain)

def _cpu(toolchain):
    # The name that Bazel's own toolchain has for it.
    return "x86_64" if toolchain.cpu == "k8" else toolchain.cpu

def _setup(ctx, toolchain):
    return struct(
        features = cc_common.configure_features(
            ctx = ctx,
            cc_toolchain = toolchain,
            requested_features = ctx.features,
            unsupported_features = ctx.disabled_features,
        ),
        toolchain = toolchain,
    )

def toolkit_context(toolkit):
    """Returns the CompilationContext of what nvcc's tools write: it is preprocessed, but for headers of the compiler.

    Args:
      toolkit: CudaToolkitInfo.
    """
    return cc_common.create_compilation_context(
        headers = toolkit.headers,
        system_includes = depset(toolkit.include_dirs),
    )

def _standard(flags):
    """Returns the flag for nvcc that says the standard of `flags`, as a list."""
    for flag in reversed(flags):
        if flag.startswith("-std="):
            name = flag.removeprefix("-std=").removeprefix("gnu++").removeprefix("c++")
            return ["-std=c++" + _STANDARDS.get(name, name)]
    return []

def host_compiler(ctx, cc, contexts, copts, defines):
    """Returns what steps need of the host compiler.

    Args:
      ctx: rule context.
      cc: struct of cc_setup.
      contexts: CompilationContext of the target and all it depends on.
      copts: list of strings.
      defines: list of strings, of the target alone.

    Returns:
      a struct: `path`, `files` (depset), `flags` (for the preprocessor) and `nvcc_flags` (what nvcc must know of them).
    """
    variables = cc_common.create_compile_variables(
        cc_toolchain = cc.toolchain,
        feature_configuration = cc.features,
        include_directories = contexts.includes,
        preprocessor_defines = depset(defines, transitive = [contexts.defines]),
        quote_include_directories = contexts.quote_includes,
        system_include_directories = depset(transitive = [contexts.system_includes, contexts.external_includes]),
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + copts,
    )
    flags = cc_common.get_memory_inefficient_command_line(
        action_name = CPP_COMPILE_ACTION_NAME,
        feature_configuration = cc.features,
        variables = variables,
    )
    return struct(
        files = cc.toolchain.all_files,
        flags = flags,
        nvcc_flags = _standard(flags),
        path = cc_common.get_tool_for_action(
            action_name = CPP_COMPILE_ACTION_NAME,
            feature_configuration = cc.features,
        ),
    )
