"""Tests of what is read from headers, from the tools of a toolkit, and from lists of its files."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/cuda/toolkit:component_build.bzl", "cudart_build", "library_build", "static_build", "versioned_file")  # buildifier: disable=bzl-visibility
load(
    "//rules/private/cuda/toolkit:headers.bzl",
    "cubin_archs",
    "driver_functions",
    "driver_stub",
    "host_compilers",
    "nvcc_version",
)  # buildifier: disable=bzl-visibility

visibility("private")

# As in CUDA 13.0.
_HOST_CONFIG = """\
#if defined(__GNUC__)

#if __GNUC__ > 15

#error -- unsupported GNU version! gcc versions later than 15 are not supported!
#endif /* __GNUC__ > 15 */
#if defined(__HORIZON__)
#if (__clang_major__ >= 21) || (__clang_major__ < 3) || ((__clang_major__ == 3) &&  (__clang_minor__ < 3))
#error -- unsupported HOS clang version!
#endif
"""

# As in CUDA 11.0.
_OLD_HOST_CONFIG = """\
#if __GNUC__ > 9
#if (__clang_major__ > 9) || (__clang_major__ < 3)
"""

def _host_compilers_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, struct(clang_max = 20, gcc_max = 15), host_compilers(_HOST_CONFIG))
    asserts.equals(env, struct(clang_max = 9, gcc_max = 9), host_compilers(_OLD_HOST_CONFIG))
    asserts.equals(env, struct(clang_max = 0, gcc_max = 0), host_compilers(""))
    return unittest.end(env)

host_compilers_test = unittest.make(_host_compilers_impl)

_CUDA_H = """\
#define CUDA_VERSION 13000
#define cuDeviceTotalMem                    cuDeviceTotalMem_v2
#define cuMemcpy                            __CUDA_API_PTDS(cuMemcpy)
    #define cuMemcpyAsync                   __CUDA_API_PTSZ(cuMemcpyAsync)
#define CUDA_CB __stdcall
typedef void (CUDA_CB *CUhostFn)(void *userData);
typedef size_t (CUDAAPI *CUoccupancyB2DSize)(int blockSize);
CUresult CUDAAPI cuInit(unsigned int Flags);
CUresult CUDAAPI
    cuDeviceGet (CUdevice *device, int ordinal);
CUresult CUDAAPI cuDeviceTotalMem(size_t *bytes, CUdevice dev);
"""

def _driver_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, [
        "cuDeviceGet",
        "cuDeviceTotalMem",
        "cuDeviceTotalMem_v2",
        "cuInit",
        "cuMemcpy",
        "cuMemcpyAsync",
        "cuMemcpyAsync_ptsz",
        "cuMemcpy_ptds",
    ], driver_functions(_CUDA_H))
    asserts.true(env, driver_stub(["cuInit"]).endswith("*/\nvoid cuInit(void) {}\n"))
    return unittest.end(env)

driver_test = unittest.make(_driver_impl)

def _tools_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(
        env,
        ["sm_75", "sm_90", "sm_90a", "sm_100", "sm_100f"],
        cubin_archs("'compute_90','lto_90','sm_100','sm_100f','sm_75','sm_90','sm_90a'.\n Default value:  'sm_75'."),
    )
    asserts.equals(
        env,
        ("13.0", "13.0.88"),
        nvcc_version("nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 13.0, V13.0.88\nBuild cuda_13.0\n"),
    )
    asserts.equals(env, ("", ""), nvcc_version("not an nvcc"))
    return unittest.end(env)

tools_test = unittest.make(_tools_impl)

# An archive has three names for one file, a wheel one.
_ARCHIVE = ["libcublas.so", "libcublas.so.12", "libcublas.so.12.9.1", "libcublasLt.so.12", "libcublas_static.a"]
_CUDNN = ["libcudnn.so.9", "libcudnn_ops.so.9", "libcudnn_ops.so.9.1", "libcudnn_cnn.so.9", "libcudnnx.so.9"]

def _libraries_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, "libcublas.so.12", versioned_file(_ARCHIVE, "cublas"))
    asserts.equals(env, "libcublasLt.so.12", versioned_file(_ARCHIVE, "cublasLt"))
    asserts.equals(env, None, versioned_file(_ARCHIVE, "cudnn"))
    text, error = library_build("cuda", "cudnn", "lib", _CUDNN)
    asserts.equals(env, None, error)
    asserts.true(env, "shared_libraries = [\"lib/libcudnn.so.9\"]" in text, text)
    asserts.true(env, "loaded_libraries = [\"lib/libcudnn_cnn.so.9\", \"lib/libcudnn_ops.so.9\"]" in text, text)
    asserts.true(env, "deps = [\"@cuda//:cublas\", \"@cuda//:nvrtc\", \"@cuda//:headers\"]" in text, text)
    asserts.equals(env, (None, "no libcublasLt.so.* in 'lib'"), library_build("cuda", "cublas", "lib", ["libcublas.so.12"]))
    asserts.equals(env, (None, "no 'lib/libcudadevrt.a'"), cudart_build("lib", ["libcudart_static.a"], ["include"], _missing))
    return unittest.end(env)

libraries_test = unittest.make(_libraries_impl)

def _missing(target, reason):
    return "{}: {}".format(target, reason)

def _static_impl(ctx):
    env = unittest.begin(ctx)

    # What uses another one comes first, and others' libraries of an installed toolkit are not of this component.
    names = ["libcublasLt_static.a", "libcublas_static.a", "libcurand_static.a", "libcublas.so.12"]
    text = static_build("cuda", "cublas", "lib", names, _missing)
    asserts.true(env, "static_libraries = [\"lib/libcublas_static.a\", \"lib/libcublasLt_static.a\"]" in text, text)
    names = ["libcusolver_lapack_static.a", "libcusolver_static.a", "libcusparse_static.a"]
    text = static_build("cuda", "cusolver", "lib", names, _missing)
    asserts.true(env, "static_libraries = [\"lib/libcusolver_static.a\", \"lib/libcusolver_lapack_static.a\"]" in text, text)
    asserts.true(env, "\"@cuda//:cublas_static\", \"@cuda//:cusparse_static\"" in text, text)
    asserts.equals(env, "nccl_static: no libnccl_static.a in 'lib'", static_build("cuda", "nccl", "lib", ["libnccl.so.2"], _missing))
    asserts.equals(env, "", static_build("cuda", "nvtx", "lib", [], _missing))
    return unittest.end(env)

static_test = unittest.make(_static_impl)

def headers_test_suite(name):
    """Declares the tests.

    Args:
      name: of the suite.
    """
    unittest.suite(name, host_compilers_test, driver_test, tools_test, libraries_test, static_test)
