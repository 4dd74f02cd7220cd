"""Names of components, platforms and the repositories made from them."""

load("//rules/private/variants:platforms.bzl", _PLATFORMS = "PLATFORMS")

visibility(["//rules/private/cuda/toolkit", "//tests/cuda/..."])

# Platform of a manifest -> its constraints. `linux-aarch64` is a server (sbsa), not a Tegra board.
PLATFORMS = {name: _PLATFORMS[name] for name in ["linux-aarch64", "linux-x86_64"]}

# What nvcc needs beside itself, in one tree. A release has these in its own way: until CUDA 12 `crt` and `nvvm` are in `nvcc`.
COMPILER = ["nvcc", "nvvm", "crt", "runtime", "cccl", "culibos"]

# The compiler as a library, in a compiler tree: nvlink opens it for link-time optimization.
NVVM_LIBRARY = "nvvm/lib64/libnvvm.so"

# The runtime with all headers that its own headers include, and what static libraries need.
RUNTIME = ["runtime", "crt", "cccl", "culibos"]

# Component -> how programs use it. Names are those of files: `lib<name>.so.<version>`.
#   link: what a program is linked with
#   opens: what these open themselves when they run; a name that ends with `*` is the start of names
#   deps: components whose libraries these need
LIBRARIES = {
    "cublas": struct(link = ["cublas", "cublasLt"], opens = [], deps = []),
    "cudnn": struct(link = ["cudnn"], opens = ["cudnn_*"], deps = ["cublas", "nvrtc"]),
    "cufft": struct(link = ["cufft"], opens = [], deps = []),
    "curand": struct(link = ["curand"], opens = [], deps = []),
    "cusolver": struct(link = ["cusolver"], opens = [], deps = ["cublas", "cusparse", "nvjitlink"]),
    "cusparse": struct(link = ["cusparse"], opens = [], deps = ["nvjitlink"]),
    "nccl": struct(link = ["nccl"], opens = [], deps = []),
    "nvjitlink": struct(link = ["nvJitLink"], opens = [], deps = []),
    # libnvrtc opens the other one by name and has no path to look in, so a program has to have loaded it.
    "nvrtc": struct(link = ["nvrtc", "nvrtc-builtins"], opens = [], deps = []),
    "nvtx": struct(link = [], opens = [], deps = []),
}

# Component -> the program in it.
TOOLS = {
    "cuobjdump": "cuobjdump",
    "nvdisasm": "nvdisasm",
    "sanitizer": "compute-sanitizer",
}

def static_name(component):
    """Returns the name of the target with the static libraries of a component."""
    return component + "_static"

COMPONENTS = sorted({name: True for name in COMPILER + LIBRARIES.keys() + TOOLS.keys()})

# Targets of a hub -> the component whose repository has them; `cudart` is the runtime with its headers.
TARGETS = {name: name for name in LIBRARIES.keys() + TOOLS.keys()} | {
    "cudadevrt": "cudart",
    "cudart": "cudart",
    "cudart_shared": "cudart",
    "culibos": "cudart",
    "headers": "cudart",
    "libcuda_stub": "cudart",
} | {
    static_name(name): name
    for name, about in LIBRARIES.items()
    if about.link
}

def parts_of(name, has_crt):
    """Tells which components a repository is put together from.

    Args:
      name: "compiler", "cudart" or a component.
      has_crt: whether the release has the headers of the compiler, which those of the runtime include, as a component.

    Returns:
      a list; a release need not have all of it.
    """
    if name == "cudart":
        return RUNTIME + ([] if has_crt else ["nvcc"])
    return COMPILER if name == "compiler" else [name]

def repository_name(hub, release, name, platform):
    """Returns the name of a repository: cuda_13_0__cublas__linux-x86_64.

    Args:
      hub: name of the hub.
      release: version of the toolkit, or the name of an installed one.
      name: component, or "compiler", or "cudart".
      platform: a key of PLATFORMS.

    Returns:
      the name.
    """
    return "{}_{}__{}__{}".format(hub, release.replace(".", "_"), name, platform)

def local_repository_name(hub, release):
    """Returns the name of the repository of an installed toolkit."""
    return "{}_{}__local".format(hub, release.replace(".", "_"))
