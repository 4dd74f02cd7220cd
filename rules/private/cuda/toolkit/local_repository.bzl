"""Repository of a toolkit that is installed on this machine. Nothing about it is pinned."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":component_build.bzl", "build_head", "compiler_build", "cudart_build", "library_build", "missing_build", "static_build", "tool_build")
load(":headers.bzl", "cubin_archs", "driver_functions", "driver_stub", "host_compilers", "nvcc_version")
load(":names.bzl", "LIBRARIES", "NVVM_LIBRARY", "TOOLS")

# Repositories made in WORKSPACE files load this.
visibility("public")

_FOLDERS = ["bin", "include", "nvvm"]

def _fail_local(rctx, got, expected = "an installed CUDA toolkit"):
    fail("\n" + error_text(
        "cuda.local_toolkit",
        "'{}'".format(rctx.attr.version),
        got,
        expected,
        "`path` is the absolute path of the folder that has bin/nvcc",
    ))

def _output(rctx, command):
    result = rctx.execute(command)
    if result.return_code != 0:
        _fail_local(rctx, "exit code {} from '{}'".format(result.return_code, command[0]), "an nvcc that runs here")
    return result.stdout

def _library_folder(rctx, root):
    for name in ["lib64", "lib"]:
        if root.get_child(name).exists:
            rctx.symlink(root.get_child(name), "lib")
            return sorted([entry.basename for entry in root.get_child(name).readdir()])
    return []

def _missing(rctx, name, reason):
    return missing_build(name, "error: cuda: @{}//:{} of '{}': got {}, expected an installed toolkit that has it".format(
        rctx.attr.hub,
        name,
        rctx.attr.version,
        "{} ({})".format(reason, rctx.attr.path),
    ))

def _local_repository_impl(rctx):
    if not rctx.attr.path.startswith("/"):
        _fail_local(rctx, "path '{}'".format(rctx.attr.path), "an absolute path")
    root = rctx.path(rctx.attr.path)
    if not root.get_child("bin").get_child("nvcc").exists:
        _fail_local(rctx, "no 'bin/nvcc' in '{}'".format(rctx.attr.path))
    for name in _FOLDERS:
        if not root.get_child(name).exists:
            _fail_local(rctx, "no '{}' in '{}'".format(name, rctx.attr.path))
        rctx.symlink(root.get_child(name), name)
    names = _library_folder(rctx, root)
    release, version = nvcc_version(_output(rctx, [root.get_child("bin").get_child("nvcc"), "--version"]))
    if not release:
        _fail_local(rctx, "no release from 'nvcc --version'")
    includes = ["include"] + (["include/cccl"] if rctx.path("include/cccl").exists else [])
    rctx.file("stub/libcuda.c", driver_stub(driver_functions(rctx.read("include/cuda.h"))), executable = False)
    text = build_head() + compiler_build(
        release,
        version,
        cubin_archs(_output(rctx, [root.get_child("bin").get_child("ptxas"), "--help"])),
        host_compilers(rctx.read("include/crt/host_config.h")),
        includes,
        NVVM_LIBRARY if rctx.path(NVVM_LIBRARY).exists else None,
    )
    missing = lambda *args: _missing(rctx, *args)
    cudart, error = cudart_build("lib", names, includes, missing)
    if error:
        _fail_local(rctx, "{} in '{}'".format(error, rctx.attr.path))
    text += cudart
    for component in sorted(LIBRARIES):
        # Headers of all components are in one folder, which `:headers` has.
        library, error = library_build(rctx.attr.hub, component, "lib", names, [])
        text += library or missing(component, error)
        text += static_build(rctx.attr.hub, component, "lib", names, missing, [])
    for component, program in TOOLS.items():
        found = rctx.path("bin/" + program).exists
        text += tool_build(component) if found else missing(component, "no 'bin/{}'".format(program))
    rctx.file("BUILD.bazel", text, executable = False)

local_repository = repository_rule(
    implementation = _local_repository_impl,
    doc = "Links to an installed toolkit. It is looked at again by `bazel fetch --configure`.",
    configure = True,
    local = True,
    attrs = {
        "hub": attr.string(mandatory = True, doc = "Name of the hub."),
        "path": attr.string(mandatory = True, doc = "Absolute path of the toolkit."),
        "version": attr.string(mandatory = True, doc = "What users call it."),
    },
)
