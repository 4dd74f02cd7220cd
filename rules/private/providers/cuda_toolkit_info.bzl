"""What a CUDA toolkit is to the rules that compile with it."""

visibility("//rules/...")

CudaToolkitInfo = provider(
    doc = "One release of the CUDA toolkit: the compiler tree and the libraries that every CUDA program needs. Tools are " +
          "called by their paths below the execution root, and find each other and their headers beside themselves.",
    fields = {
        "archs": "list of strings: what its compiler can build, such as `sm_75`, `sm_90a`; `compute_NN` for each as well.",
        "bin2c": "File.",
        "cicc": "File: compiles preprocessed device code to PTX.",
        "compiler_files": "depset of Files: the compiler tree (tools, profile, device library), for actions that call `nvcc`.",
        "cudafe": "File: `cudafe++`, which separates host code from device code.",
        "fatbinary": "File.",
        "headers": "depset of Files: headers of the runtime, of the compiler (`crt/`) and of CCCL.",
        "host_compilers": "struct: `gcc_max` and `clang_max`, ints, the newest majors that its `crt/host_config.h` accepts.",
        "include_dirs": "list of strings: directories of the headers, below the execution root, in the order of search.",
        "libdevice": "File: `libdevice.10.bc`.",
        "link_stub": "File: `crt/link.stub`, the host side of a device link.",
        "nvcc": "File.",
        "nvcc_version": "string: of the compiler component, such as `13.0.88`.",
        "nvlink": "File.",
        "nvvm_library": "File: `nvvm/lib64/libnvvm.so`, with which nvlink compiles what is optimized when it is linked; None where " +
                        "the toolkit lacks it.",
        "ptxas": "File.",
        "runtime": "CcInfo: cudart_static, its system libraries, and the headers. Needs no libcuda to start.",
        "runtime_device": "CcInfo: libcudadevrt, for programs that launch kernels from the device.",
        "runtime_device_library": "File: `libcudadevrt.a`, an input of device links.",
        "version": "string: release of the toolkit, such as `13.0`.",
    },
)
