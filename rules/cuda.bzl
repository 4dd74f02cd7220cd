"""CUDA code as C++ targets.

`cuda_library` compiles each architecture of a source in an action of its own and stands in `deps` of any C++ target.
`cuda_binary` and `cuda_test` are programs with the CUDA runtime; `cuda_objects` is device code that calls device code of other
sources, and `cuda_device_link` completes it for programs of other rules. The toolkit comes from the module extension `cuda`
(rules/extensions.bzl), or from `cuda_toolkit` (rules/repositories.bzl) in a WORKSPACE file.
"""

load("//rules/private/cuda/compile:device_link.bzl", _cuda_device_link = "cuda_device_link")
load("//rules/private/cuda/compile:library.bzl", _cuda_library = "cuda_library")
load(
    "//rules/private/cuda/compile:programs.bzl",
    _cuda_binary = "cuda_binary",
    _cuda_objects = "cuda_objects",
    _cuda_test = "cuda_test",
)
load("//rules/private/providers:cuda_info.bzl", _CudaInfo = "CudaInfo")
load("//rules/private/providers:cuda_toolkit_info.bzl", _CudaToolkitInfo = "CudaToolkitInfo")

visibility("public")

CudaInfo = _CudaInfo
CudaToolkitInfo = _CudaToolkitInfo
cuda_binary = _cuda_binary
cuda_device_link = _cuda_device_link
cuda_library = _cuda_library
cuda_objects = _cuda_objects
cuda_test = _cuda_test
