"""Texts of BUILD files of components."""

load(":names.bzl", "LIBRARIES", "TOOLS", "static_name")

visibility(["//rules/private/cuda/toolkit", "//tests/cuda/..."])

_HEAD = """\
load("{cuda_compiler}", "cuda_compiler")
load("{cuda_import}", "cuda_import")
load("{cuda_tool}", "cuda_tool")
load("{cuda_missing}", "cuda_missing")
load("{cc_binary}", "cc_binary")

package(default_visibility = ["//visibility:public"])
"""

_COMPILER = """
cuda_compiler(
    name = "compiler",
    archs = {archs},
    bin2c = "bin/bin2c",
    cicc = "nvvm/bin/cicc",
    clang_max = {clang_max},
    cudafe = "bin/cudafe++",
    fatbinary = "bin/fatbinary",
    files = glob(["bin/**", "nvvm/bin/**", "nvvm/libdevice/**"]),
    gcc_max = {gcc_max},
    headers = glob(["include/**"]),
    include_dirs = {include_dirs},
    libdevice = {libdevice},
    link_stub = "bin/crt/link.stub",
    nvcc = "bin/nvcc",
    nvcc_version = "{nvcc_version}",
    nvlink = "bin/nvlink",
    nvvm_library = {nvvm_library},
    ptxas = "bin/ptxas",
    release = "{release}",
)
"""

_CUDART = """
cuda_import(
    name = "headers",
    hdrs = glob(["include/**"]),
    includes = {includes},
)

cuda_import(
    name = "cudart",
    linkopts = ["-ldl", "-lpthread", "-lrt"],
    static_libraries = ["{lib}/libcudart_static.a"],
    deps = [":headers"],
)

cuda_import(
    name = "cudart_shared",
    shared_libraries = {shared},
    deps = [":headers"],
)

cuda_import(
    name = "cudadevrt",
    static_libraries = ["{lib}/libcudadevrt.a"],
    deps = [":headers"],
)

filegroup(
    name = "cudadevrt_file",
    srcs = ["{lib}/libcudadevrt.a"],
)

# What the linker sees where a program wants the driver's library by name; nothing of it is shipped.
cc_binary(
    name = "stub/libcuda.so",
    srcs = ["stub/libcuda.c"],
    copts = ["-fno-builtin", "-fno-stack-protector", "-g0"],
    linkopts = ["-nostdlib", "-Wl,--as-needed", "-Wl,-soname,libcuda.so.1", "-Wl,--build-id=none", "-s"],
    linkshared = True,
    tags = ["manual"],
)

cuda_import(
    name = "libcuda_stub",
    interface_library = "stub/libcuda.so",
    deps = [":headers"],
)
"""

_LIBRARY = """
cuda_import(
    name = "{name}",
    hdrs = glob({headers}, allow_empty = True),
    includes = ["include"],
    loaded_libraries = {loaded},
    shared_libraries = {shared},
    deps = {deps},
)
"""

_STATIC = """
cuda_import(
    name = "{name}",
    hdrs = glob({headers}, allow_empty = True),
    includes = ["include"],
    linkopts = ["-ldl", "-lpthread", "-lrt"],
    static_libraries = {files},
    deps = {deps},
)
"""

_CULIBOS = """
cuda_import(
    name = "culibos",
    linkopts = ["-ldl", "-lpthread", "-lrt"],
    static_libraries = ["{lib}/libculibos.a"],
)
"""

_TOOL = """
cuda_tool(
    name = "{name}",
    files = glob(["bin/**", "compute-sanitizer/*"], allow_empty = True),
    program = "bin/{program}",
)
"""

_MISSING = """
cuda_missing(
    name = "{name}",
    message = {message},
)
"""

def build_head():
    """Returns the loads of a BUILD file of components."""
    return _HEAD.format(
        cc_binary = str(Label("@rules_cc//cc:cc_binary.bzl")),
        cuda_compiler = str(Label("//rules/private/cuda/toolkit:compiler.bzl")),
        cuda_import = str(Label("//rules/private/cuda/toolkit:import.bzl")),
        cuda_missing = str(Label("//rules/private/cuda/toolkit:missing.bzl")),
        cuda_tool = str(Label("//rules/private/cuda/toolkit:tool.bzl")),
    )

def compiler_build(release, nvcc_version, archs, compilers, include_dirs, nvvm_library):
    """Makes the target `:compiler`.

    Args:
      release: version of the toolkit.
      nvcc_version: version of the compiler.
      archs: what it can build.
      compilers: struct of `host_compilers`.
      include_dirs: directories of headers, in the repository.
      nvvm_library: the compiler as a library, in the repository, or None.

    Returns:
      the text.
    """
    return _COMPILER.format(
        archs = repr(archs),
        clang_max = compilers.clang_max,
        gcc_max = compilers.gcc_max,
        include_dirs = repr(include_dirs),
        libdevice = repr("nvvm/libdevice/libdevice.10.bc"),
        nvcc_version = nvcc_version,
        nvvm_library = repr(nvvm_library),
        release = release,
    )

def versioned_file(names, library):
    """Finds the file of a shared library by which programs name it.

    That is `libX.so.13`: `libX.so.13.1.0` is another name for it, where it is there, and `libX.so` is for linkers.

    Args:
      names: names of files.
      library: `X`.

    Returns:
      the name, or None.
    """
    found = [name for name in names if name.startswith("lib{}.so.".format(library))]
    return sorted(found, key = lambda name: (len(name), name))[0] if found else None

def _loaded_files(names, patterns):
    files = []
    for pattern in patterns:
        libraries = [pattern]
        if pattern.endswith("*"):
            start = "lib" + pattern.removesuffix("*")
            libraries = sorted({
                name.removeprefix("lib").partition(".so.")[0]: True
                for name in names
                if name.startswith(start) and ".so." in name
            })
        files += [versioned_file(names, library) for library in libraries if versioned_file(names, library)]
    return files

def library_build(hub, component, lib, names, headers = ["include/**"]):
    """Makes the target of a library.

    Args:
      hub: name of the hub, where the libraries that this one needs are.
      component: a key of LIBRARIES.
      lib: the folder of libraries.
      names: names of the files in it.
      headers: patterns of its headers.

    Returns:
      (text, error): the text, or None and what is missing.
    """
    about = LIBRARIES[component]
    linked = [versioned_file(names, library) for library in about.link]
    missing = [library for library, file in zip(about.link, linked) if not file]
    if missing:
        return None, "no lib{}.so.* in '{}'".format(missing[0], lib)
    return _LIBRARY.format(
        name = component,
        deps = repr(["@{}//:{}".format(hub, name) for name in about.deps] + ["@{}//:headers".format(hub)]),
        headers = repr(headers),
        loaded = repr(["{}/{}".format(lib, name) for name in _loaded_files(names, about.opens)]),
        shared = repr(["{}/{}".format(lib, name) for name in linked]),
    ), None

def _static_files(about, names):
    """The static libraries of a component, those before others that they use: a linker reads them once, in this order."""
    ordered = ["lib{}_static.a".format(library) for library in about.link]
    rest = sorted([name for name in names if name.endswith("_static.a") and name not in ordered])
    return [name for name in ordered if name in names] + [name for name in rest if name.startswith(ordered[0].removesuffix("_static.a"))]

def static_build(hub, component, lib, names, missing, headers = ["include/**"]):
    """Makes the target of the static libraries of a component. Archives have them, wheels do not.

    Args:
      hub: name of the hub.
      component: a key of LIBRARIES.
      lib: the folder of libraries.
      names: names of the files in it.
      missing: function from the name of a target and a reason to the text of a target that fails with it.
      headers: patterns of its headers.

    Returns:
      the text.
    """
    about = LIBRARIES[component]
    if not about.link:
        return ""
    files = _static_files(about, names)
    if not files:
        return missing(static_name(component), "no lib{}_static.a in '{}'".format(about.link[0], lib))
    needed = ["culibos", "headers"] + [static_name(name) for name in about.deps]
    return _STATIC.format(
        name = static_name(component),
        deps = repr(["@{}//:{}".format(hub, name) for name in needed]),
        files = repr(["{}/{}".format(lib, name) for name in files]),
        headers = repr(headers),
    )

def cudart_build(lib, names, includes, missing):
    """Makes the targets of the runtime.

    Args:
      lib: the folder of libraries.
      names: names of the files in it.
      includes: directories of headers.
      missing: as of `static_build`.

    Returns:
      (text, error): the text, or None and what is missing.
    """
    for name in ["libcudart_static.a", "libcudadevrt.a"]:
        if name not in names:
            return None, "no '{}/{}'".format(lib, name)
    shared = versioned_file(names, "cudart")
    text = _CUDART.format(
        includes = repr(includes),
        lib = lib,
        shared = repr(["{}/{}".format(lib, shared)] if shared else []),
    )
    if "libculibos.a" in names:
        return text + _CULIBOS.format(lib = lib), None
    return text + missing("culibos", "no libculibos.a in '{}'".format(lib)), None

def tool_build(component):
    """Makes the target of a tool."""
    return _TOOL.format(name = component, program = TOOLS[component])

def missing_build(name, message):
    """Makes a target that fails with a message."""
    return _MISSING.format(name = name, message = repr("\n" + message))
