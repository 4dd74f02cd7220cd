"""Names of components, platforms and the repositories made from them."""

visibility(["//rules/private/cuda/toolkit", "//tests/cuda/..."])

# Platform of a manifest -> its constraints. `linux-aarch64` is a server (sbsa), not a Tegra board.
PLATFORMS = {
    "{}-{}".format("linux", cpu): [Label("@platforms//os:linux"), Label("@platforms//cpu:" + cpu)]
    for cpu in ["aarch64", "x86_64"]
}

# What nvcc needs beside itself, in one tree. A release has these in its own way: until CUDA 12 `crt` and `nvvm` are in `nvcc`.
COMPILER = ["nvcc", "nvvm", "crt", "runtime", "cccl", "culibos"]

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

def parts_of(name):
    """Returns the components that the repository `name` is put together from."""
    return {"compiler": COMPILER, "cudart": RUNTIME}.get(name, [name])

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
