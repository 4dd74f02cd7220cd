"""`cuda_binary`, `cuda_test` and `cuda_objects`: the C++ rules with what CUDA code needs beside them."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_test.bzl", "cc_test")
load(":device_link.bzl", "cuda_device_link")
load(":library.bzl", "cuda_library")

visibility(["//rules"])

# Attributes of a program that are for its CUDA sources.
_CUDA_ATTRS = ["archs", "compress_mode", "cuda_copts", "lto", "ptxas_copts", "rdc"]

# Attributes that the library of such sources shares with the program.
_SHARED_ATTRS = ["copts", "defines", "features", "includes", "local_defines", "target_compatible_with", "testonly"]

def _is_cuda(source):
    return str(source).endswith(".cu")

def _program(rule, name, srcs, deps, extra_deps, kwargs):
    deps = deps + extra_deps
    cuda_attrs = {attr: kwargs.pop(attr) for attr in _CUDA_ATTRS if attr in kwargs}
    shared = {attr: kwargs[attr] for attr in _SHARED_ATTRS if attr in kwargs}
    if type(srcs) == "list" and [source for source in srcs if _is_cuda(source)]:
        cuda_library(
            name = name + ".cuda",
            alwayslink = True,
            srcs = srcs,
            tags = ["manual"],
            visibility = ["//visibility:private"],
            deps = deps,
            **(shared | cuda_attrs)
        )
        srcs = []
        deps = [":{}.cuda".format(name)] + deps
    elif cuda_attrs:
        fail("error: {}: {}: got it without a source that ends in .cu, expected it on the cuda_library\nhint: {}".format(
            name,
            ", ".join(sorted(cuda_attrs)),
            "device code of dependencies is compiled where they say",
        ))
    link = {attr: shared[attr] for attr in ("target_compatible_with", "testonly") if attr in shared}
    if rule == cc_test:
        link["testonly"] = True
    cuda_device_link(
        name = name + ".device_link",
        tags = ["manual"],
        visibility = ["//visibility:private"],
        deps = deps,
        **link
    )
    rule(
        name = name,
        srcs = srcs,
        deps = deps + [":{}.device_link".format(name)],
        **kwargs
    )

def cuda_binary(name, srcs = [], deps = [], **kwargs):
    """A C++ program with CUDA code: cc_binary, the CUDA runtime and the device link.

    Args:
      name: name of the target.
      srcs: C++ sources, and CUDA sources (`.cu`), which are compiled as by cuda_library.
      deps: C++ and CUDA libraries.
      **kwargs: attributes of cc_binary; with a CUDA source in srcs also archs, compress_mode, cuda_copts, lto, ptxas_copts
        and rdc of cuda_library.
    """
    _program(cc_binary, name, srcs, deps, [Label("//rules/cuda:runtime")], kwargs)

def cuda_test(name, srcs = [], deps = [], skip_without_gpu = True, tags = [], **kwargs):
    """A test that needs a GPU: cc_test, the CUDA runtime and the device link.

    Args:
      name: name of the target.
      srcs: as for cuda_binary.
      deps: as for cuda_binary.
      skip_without_gpu: whether the test passes with a line `SKIP: no usable GPU: …` where there is none. With
        `--test_env=RULES_INFERENCE_REQUIRE_GPU=1` it fails there instead.
      tags: tags; `gpu` is added.
      **kwargs: attributes of cc_test, and as for cuda_binary.
    """
    kwargs["tags"] = tags + ["gpu"]
    check = [Label("//rules/cuda:device_test")] if skip_without_gpu else []
    if "testonly" not in kwargs:
        kwargs["testonly"] = True
    _program(cc_test, name, srcs, deps, [Label("//rules/cuda:runtime")] + check, kwargs)

def cuda_objects(name, **kwargs):
    """Relocatable device code: `cuda_library` with `rdc = True`.

    Args:
      name: name of the target.
      **kwargs: attributes of cuda_library, without rdc.
    """
    cuda_library(name = name, rdc = True, **kwargs)
