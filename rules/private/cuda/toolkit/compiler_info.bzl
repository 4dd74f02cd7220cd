"""What the repository of a compiler tree says of it."""

visibility(["//rules/private/cuda/toolkit"])

CudaCompilerInfo = provider(
    doc = "A compiler tree, without the runtime of a target platform.",
    fields = {
        "archs": "list of strings, as of CudaToolkitInfo.",
        "files": "depset of Files: the tree without headers.",
        "headers": "depset of Files.",
        "host_compilers": "struct, as of CudaToolkitInfo.",
        "include_dirs": "list of strings: directories below the execution root.",
        "nvcc_version": "string.",
        "release": "string: version of the toolkit.",
        "tools": "dict from the name of a field of CudaToolkitInfo to a File.",
    },
)
