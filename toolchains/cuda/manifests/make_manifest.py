#!/usr/bin/env python3
"""Writes the manifest of a CUDA toolkit release: versions, names, sizes and hashes of its components.

    make_manifest.py 13.0.2 --cudnn 9.19.0.56 --nccl 2.28.9 -o 13.0.json
    make_manifest.py 12.9.1 --redist redistrib_12.9.1.json --ptxas PATH -o 12.9.json

The first form asks your own pip, in the way it is configured: for `cuda-toolkit` of that version, which says what the
components of the release are, and then for the wheel of each one on each platform. A wheel is downloaded (4 GB in all),
measured and removed. What pip says that it cannot find becomes a row with that reason; any other failure of pip ends the run.

The second form reads the JSON that the vendor publishes beside its archives; nothing is downloaded. Who declares the toolkit
says where the archives are.

The architectures of the release are those that its own ptxas knows: that of the wheel, where this machine can run it, else
the one that --ptxas names.
"""

import argparse
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import zipfile

PLATFORMS = {"linux-aarch64": "aarch64", "linux-x86_64": "x86_64"}

# Component -> package of its wheel. Its version is that of the release, unless an option says it.
WHEELS = {
    "cccl": "nvidia-cuda-cccl",
    "crt": "nvidia-cuda-crt",
    "cublas": "nvidia-cublas",
    "cudnn": "nvidia-cudnn-cu{major}",
    "cufft": "nvidia-cufft",
    "culibos": "nvidia-cuda-culibos",
    "cuobjdump": "nvidia-cuda-cuobjdump",
    "curand": "nvidia-curand",
    "cusolver": "nvidia-cusolver",
    "cusparse": "nvidia-cusparse",
    "nccl": "nvidia-nccl-cu{major}",
    "nvcc": "nvidia-cuda-nvcc",
    "nvdisasm": "nvidia-cuda-nvdisasm",
    "nvjitlink": "nvidia-nvjitlink",
    "nvrtc": "nvidia-cuda-nvrtc",
    "nvtx": "nvidia-nvtx",
    "nvvm": "nvidia-nvvm",
    "runtime": "nvidia-cuda-runtime",
    "sanitizer": "nvidia-cuda-sanitizer-api",
}

# Component -> its name in the JSON of archives.
REDIST = {
    "cccl": "cuda_cccl",
    "crt": "cuda_crt",
    "cublas": "libcublas",
    "cudnn": "cudnn",
    "cufft": "libcufft",
    "culibos": "cuda_culibos",
    "cuobjdump": "cuda_cuobjdump",
    "curand": "libcurand",
    "cusolver": "libcusolver",
    "cusparse": "libcusparse",
    "nvcc": "cuda_nvcc",
    "nvdisasm": "cuda_nvdisasm",
    "nvjitlink": "libnvjitlink",
    "nvrtc": "cuda_nvrtc",
    "nvtx": "cuda_nvtx",
    "nvvm": "libnvvm",
    "runtime": "cuda_cudart",
    "sanitizer": "cuda_sanitizer_api",
}
REDIST_PLATFORMS = {"linux-aarch64": "linux-sbsa", "linux-x86_64": "linux-x86_64"}


class Failure(Exception):
    """Text for the user."""


def pip(arguments):
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check", "--no-input", "--quiet"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def component_versions(update):
    """What the release consists of: package -> requirement."""
    with tempfile.TemporaryDirectory() as scratch:
        report = os.path.join(scratch, "report.json")
        result = pip(["install", "--dry-run", "--ignore-installed", "--no-deps", "--report", report, f"cuda-toolkit=={update}"])
        if result.returncode:
            raise Failure(f"error: manifest: cuda-toolkit=={update}: got '{last_line(result.stderr)}', expected a package of that version")
        with open(report, encoding="utf-8") as file:
            requirements = json.load(file)["install"][0]["metadata"].get("requires_dist", [])
    found = {}
    for requirement in requirements:
        # `nvidia-nvjitlink<14,>=13.2.86` is a release and what may replace it: the release is meant here.
        match = re.match(r"([a-z0-9-]+)[^;]*?[=>]=([0-9.]+[0-9])", requirement)
        if match:
            found[match[1]] = f"{match[1]}=={match[2]}.*"
    return found


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("WARNING")]
    return lines[-1].removeprefix("ERROR: ") if lines else "nothing"


def download(requirement, machine, scratch):
    """Returns (path of the wheel, None) or (None, why there is none)."""
    command = ["download", "--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--dest", scratch]
    for minor in range(39, 4, -1):
        command += ["--platform", f"manylinux_2_{minor}_{machine}"]
    for legacy in ["manylinux2014", "manylinux2010", "linux"]:
        command += ["--platform", f"{legacy}_{machine}"]
    result = pip([*command, requirement])
    if result.returncode == 0:
        return os.path.join(scratch, os.listdir(scratch)[0]), None
    if "No matching distribution found" in result.stderr:
        return None, f"no wheel of {requirement.removesuffix('.*')} for this platform"
    raise Failure(f"error: manifest: {requirement}: got '{last_line(result.stderr)}', expected a wheel or none for {machine}")


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def prefix_of(path):
    """The folder in the wheel that has include, lib and bin."""
    with zipfile.ZipFile(path) as archive:
        tops = {"/".join(name.split("/")[:2]) for name in archive.namelist() if name.startswith("nvidia/")}
    if len(tops) != 1:
        raise Failure(f"error: manifest: {os.path.basename(path)}: got folders {sorted(tops)}, expected one below nvidia/")
    return tops.pop()


def architectures(ptxas):
    """The cubin architectures in the help of ptxas, from the oldest to the newest."""
    text = subprocess.run([ptxas, "--help"], capture_output=True, text=True, check=True).stdout
    return sorted(set(re.findall(r"'(sm_[0-9]+[af]?)'", text)), key=lambda name: (int(re.sub(r"\D", "", name)), name))


def architectures_of_wheel(path, scratch):
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/bin/ptxas"))
        ptxas = archive.extract(name, scratch)
    os.chmod(ptxas, 0o755)
    return architectures(ptxas)


def from_wheels(options):
    major = options.update.split(".")[0]
    required = component_versions(options.update)
    components, archs = {}, []
    for component, package in WHEELS.items():
        package = package.format(major=major)
        version = options.versions.get(component)
        requirement = f"{package}=={version}" if version else required.get(package)
        if not requirement:
            print(f"{component}: not part of {options.update}; say --{component} VERSION to have it", file=sys.stderr)
            continue
        platforms, about = {}, {}
        for name, machine in PLATFORMS.items():
            with tempfile.TemporaryDirectory() as scratch:
                path, reason = download(requirement, machine, scratch)
                if reason:
                    platforms[name] = {"not_available": reason}
                    continue
                file = os.path.basename(path)
                found = {"version": file.split("-")[1], "prefix": prefix_of(path)}
                if about not in ({}, found):
                    raise Failure(f"error: manifest: {file}: got {found}, expected {about} as on the other platform")
                about = found
                platforms[name] = {"wheel": package, "file": file, "size": os.path.getsize(path), "sha256": sha256(path)}
                print(f"{component} {name} {file}", file=sys.stderr)
                if component == "nvcc" and machine == platform.machine() and not options.ptxas:
                    archs = architectures_of_wheel(path, scratch)
        if about:
            components[component] = about | {"platforms": platforms}
    return components, archs


def from_redist(options):
    components = {}
    for path in options.redist:
        with open(path, encoding="utf-8") as file:
            listed = json.load(file)
        for component, name in REDIST.items():
            if name not in listed:
                continue
            platforms = {}
            for ours, theirs in REDIST_PLATFORMS.items():
                row = listed[name].get(theirs)
                # cuDNN has an archive for each major version of CUDA.
                if row and "relative_path" not in row:
                    row = row.get("cuda" + options.update.split(".")[0])
                if row:
                    platforms[ours] = {"redist": row["relative_path"], "size": int(row["size"]), "sha256": row["sha256"]}
                else:
                    platforms[ours] = {"not_available": f"no archive of {name} {listed[name]['version']} for this platform"}
            components[component] = {"version": listed[name]["version"], "platforms": platforms}
    return components, []


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("update", help="full version of the release, such as 13.0.2")
    parser.add_argument("-o", "--output", required=True, help="the manifest, such as 13.0.json")
    parser.add_argument("--redist", action="append", help="JSON of archives; again for those of cuDNN")
    parser.add_argument("--ptxas", help="a ptxas of this release; default: that of the wheel")
    for component in WHEELS:
        parser.add_argument(f"--{component}", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.versions = {component: getattr(options, component) for component in WHEELS}
    components, archs = from_redist(options) if options.redist else from_wheels(options)
    if options.ptxas:
        archs = architectures(options.ptxas)
    if not archs:
        raise Failure(f"error: manifest: {options.update}: got no architectures, expected --ptxas PATH where its ptxas cannot run")
    manifest = {
        "archs": archs,
        "components": components,
        "update": options.update,
        "version": ".".join(options.update.split(".")[:2]),
    }
    with open(options.output, "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=2, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Failure, OSError, ValueError) as error:
        sys.exit(str(error))
