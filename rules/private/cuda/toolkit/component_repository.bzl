"""Repository of the compiler tree, of the runtime or of one library. It is fetched when a build selects it, and not before."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":component_build.bzl", "build_head", "compiler_build", "cudart_build", "library_build", "missing_build", "static_build", "tool_build")
load(":fetch.bzl", "fetch_component")
load(":headers.bzl", "driver_functions", "driver_stub", "host_compilers")
load(":names.bzl", "NVVM_LIBRARY", "TOOLS")

# Repositories made in WORKSPACE files load this.
visibility("public")

# Files of other build systems.
_UNUSED = ["lib/cmake", ".metadata"]
_TREE = ["bin/nvcc", "bin/ptxas", "nvvm/bin/cicc", "include/crt/host_config.h", "include/cuda_runtime.h"]

def _fail_component(rctx, got, expected):
    fail("\n" + error_text(
        "cuda component",
        "{} of {} ({})".format(rctx.attr.component, rctx.attr.version, rctx.attr.platform),
        got,
        expected,
        "see what its parts are in " + rctx.attr.manifest,
    ))

def _missing(rctx, target, reason):
    return missing_build(target, error_text(
        "cuda",
        "@{}//:{} of {} ({})".format(rctx.attr.hub, target, rctx.attr.version, rctx.attr.platform),
        reason,
        "it in that release",
        "wheels have no static libraries; archives do",
    ))

def _file_names(rctx, folder):
    path = rctx.path(folder)
    return sorted([entry.basename for entry in path.readdir()]) if path.exists else []

def _include_dirs(rctx):
    return ["include"] + (["include/cccl"] if rctx.path("include/cccl").exists else [])

def _compiler(rctx, parts):
    # No action reads it: a probe of the machine's devices.
    rctx.delete("bin/__nvcc_device_query")

    # Where nvlink looks for the compiler as a library. Wheels have it beside other libraries.
    for name in _file_names(rctx, "lib"):
        if name.startswith("libnvvm.") and not rctx.path(NVVM_LIBRARY).exists:
            rctx.symlink("lib/" + name, NVVM_LIBRARY)
    for path in _TREE:
        if not rctx.path(path).exists:
            _fail_component(rctx, "no '{}'".format(path), "a compiler tree")
    return compiler_build(
        rctx.attr.version,
        parts["nvcc"]["version"],
        rctx.attr.archs,
        host_compilers(rctx.read("include/crt/host_config.h")),
        _include_dirs(rctx),
        NVVM_LIBRARY if rctx.path(NVVM_LIBRARY).exists else None,
    )

def _cudart(rctx):
    # Where they came with headers of the runtime: tools of the compiler.
    for path in ["bin", "nvvm"]:
        rctx.delete(path)
    rctx.file("stub/libcuda.c", driver_stub(driver_functions(rctx.read("include/cuda.h"))), executable = False)
    return cudart_build("lib", _file_names(rctx, "lib"), _include_dirs(rctx), lambda *args: _missing(rctx, *args))

def _library(rctx):
    names = _file_names(rctx, "lib")
    text, error = library_build(rctx.attr.hub, rctx.attr.component, "lib", names)
    if error:
        return None, error
    return text + static_build(rctx.attr.hub, rctx.attr.component, "lib", names, lambda *args: _missing(rctx, *args)), None

def _component_repository_impl(rctx):
    parts = json.decode(rctx.attr.parts)
    for part, about in parts.items():
        rctx.report_progress("fetching {} {} ({} MB)".format(part, about["version"], about["row"]["size"] // 1000000))
        fetch_component(rctx, struct(
            component = part,
            manifest = rctx.attr.manifest,
            platform = rctx.attr.platform,
            prefix = about["prefix"],
            row = about["row"],
            urls = rctx.attr.urls,
            version = about["version"],
        ))
    for path in _UNUSED:
        rctx.delete(path)
    error = None
    if rctx.attr.component == "compiler":
        text = _compiler(rctx, parts)
    elif rctx.attr.component == "cudart":
        text, error = _cudart(rctx)
    elif rctx.attr.component in TOOLS:
        text = tool_build(rctx.attr.component)
    else:
        text, error = _library(rctx)
    if error:
        _fail_component(rctx, error, "it in that release")
    rctx.file("BUILD.bazel", build_head() + text, executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

component_repository = repository_rule(
    implementation = _component_repository_impl,
    doc = "Files of one release for one platform.",
    attrs = {
        "archs": attr.string_list(doc = "Cubin architectures of the compiler. Default: none."),
        "component": attr.string(mandatory = True, doc = "`compiler`, `cudart`, or a component."),
        "hub": attr.string(mandatory = True, doc = "Name of the hub, which has what libraries need."),
        "manifest": attr.string(mandatory = True, doc = "Label of the manifest, for messages."),
        "parts": attr.string(mandatory = True, doc = "Pinned components, as JSON."),
        "platform": attr.string(mandatory = True, doc = "What it is for, such as `linux-x86_64`."),
        "urls": attr.string_list(doc = "Where archives are. Default: none, for wheels."),
        "version": attr.string(mandatory = True, doc = "The release."),
    },
)
