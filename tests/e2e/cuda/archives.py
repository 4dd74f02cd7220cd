"""Makes archives in the shape that the vendor of CUDA gives them, of a toolkit that does nothing, and the JSON that lists them.

    archives.py FOLDER
"""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile

VERSION = "12.9.1"


def compile_c(text, output, *flags):
    subprocess.run(["gcc", "-x", "c", "-", "-o", output, *flags], input=text, text=True, check=True)


def static_library(folder, name, text):
    with tempfile.TemporaryDirectory() as scratch:
        compile_c(text, os.path.join(scratch, "a.o"), "-c", "-fPIC")
        subprocess.run(["ar", "rcsD", os.path.join(folder, name), os.path.join(scratch, "a.o")], check=True)


def shared_library(folder, name, text):
    """Three names for one file."""
    compile_c(text, os.path.join(folder, f"{name}.so.{VERSION}"), "-shared", "-fPIC", f"-Wl,-soname,{name}.so.12")
    os.symlink(f"{name}.so.{VERSION}", os.path.join(folder, f"{name}.so.12"))
    os.symlink(f"{name}.so.12", os.path.join(folder, f"{name}.so"))


def write(root, path, text=""):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)


def nvcc(root):
    for tool in ["bin2c", "cudafe++", "fatbinary", "nvcc", "nvlink", "ptxas", "crt/link.stub"]:
        write(root, "bin/" + tool)
    write(root, "nvvm/bin/cicc")
    write(root, "nvvm/libdevice/libdevice.10.bc")
    write(root, "include/crt/host_config.h", "#if __GNUC__ > 14\n#if (__clang_major__ >= 20)\n")


def runtime(root):
    write(root, "include/cuda.h", "CUresult CUDAAPI cuInit(unsigned int Flags);\n")
    write(root, "include/cuda_runtime.h", '#ifdef __cplusplus\nextern "C"\n#endif\nint FakeCudart(void);\n')
    os.mkdir(os.path.join(root, "lib"))
    static_library(os.path.join(root, "lib"), "libcudart_static.a", "int FakeCudart(void) { return 129; }\n")
    static_library(os.path.join(root, "lib"), "libcudadevrt.a", "int FakeCudadevrt(void) { return 129; }\n")
    static_library(os.path.join(root, "lib"), "libculibos.a", "int FakeCulibos(void) { return 13; }\n")


def cublas(root):
    write(root, "include/cublas_v2.h", '#ifdef __cplusplus\nextern "C"\n#endif\nint FakeCublas(void);\n')
    os.mkdir(os.path.join(root, "lib"))
    shared_library(os.path.join(root, "lib"), "libcublas", "int FakeCublas(void) { return 12; }\n")
    shared_library(os.path.join(root, "lib"), "libcublasLt", "int FakeCublasLt(void) { return 12; }\n")
    static_library(
        os.path.join(root, "lib"),
        "libcublas_static.a",
        "int FakeCublasLt(void);\nint FakeCublas(void) { return FakeCublasLt(); }\n",
    )
    static_library(
        os.path.join(root, "lib"),
        "libcublasLt_static.a",
        "int FakeCulibos(void);\nint FakeCublasLt(void) { return FakeCulibos(); }\n",
    )


def headers(root):
    write(root, "include/some.h")


def main(folder):
    listed = {"release_label": VERSION}
    for name, make in [
        ("cuda_nvcc", nvcc),
        ("cuda_cudart", runtime),
        ("libcublas", cublas),
        ("libcufft", headers),
        ("libcurand", headers),
    ]:
        stem = f"{name}-linux-x86_64-{VERSION}-archive"
        path = f"{name}/linux-x86_64/{stem}.tar.xz"
        os.makedirs(os.path.join(folder, os.path.dirname(path)))
        with tempfile.TemporaryDirectory() as scratch:
            os.mkdir(os.path.join(scratch, stem))
            make(os.path.join(scratch, stem))
            with tarfile.open(os.path.join(folder, path), "w:xz") as archive:
                archive.add(os.path.join(scratch, stem), stem)
        with open(os.path.join(folder, path), "rb") as file:
            data = file.read()
        row = {"relative_path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": str(len(data))}
        listed[name] = {"version": VERSION, "linux-x86_64": row}

    # Other bytes than what is listed.
    listed["libcurand"]["linux-x86_64"]["sha256"] = "ab" * 32
    listed["cudnn"] = {"version": "9.10.2.21", "linux-x86_64": {"cuda11": listed["libcurand"]["linux-x86_64"]}}
    with open(os.path.join(folder, "redistrib.json"), "w", encoding="utf-8") as file:
        json.dump(listed, file)
    write(folder, "ptxas", "#!/bin/sh\necho \"'compute_50','sm_50','sm_90a','sm_90'.\"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
