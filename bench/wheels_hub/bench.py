"""Times a hub of many wheels: what a build of one target costs when the lock has a thousand packages.

    python3 bench/wheels_hub/bench.py [--packages 1000] [--pythons 5] [--bazel ./bazelw] [--mode module|workspace]

Makes a workspace in a temporary folder with a uv.lock of that many packages, each with wheels of so many pythons on seven
platforms and with three dependencies, and one python on four platforms in `wheels.lock`. The wheels that are fetched come
from a folder. Every step is one command of one Bazel: wall seconds, and CPU seconds of its server, which other work on the
machine changes less; the smallest of some runs:

    first build       server just started: rules loaded, lock read twice (extension, hub), hub written, wheel fetched
    same server       another package: its BUILD file loaded and analysed, its wheel fetched
    new server        the same target after a shutdown: with MODULE.bazel the extension looks at the lock again
    no lock           a new server and a file that needs nothing of the hub, for comparison
    no lock, rule     the same with a rule that has a select() on the platform, as each package of a hub has
    explain           the text of one package
"""

import argparse
import hashlib
import io
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import zipfile

REPO = pathlib.Path(__file__).resolve().parents[2]
PYTHONS = ["311", "310", "312", "313", "314"]
PLATFORMS = [
    "macosx_10_13_x86_64", "macosx_11_0_arm64", "manylinux2014_aarch64.manylinux_2_17_aarch64",
    "manylinux2014_x86_64.manylinux_2_17_x86_64", "musllinux_1_2_aarch64", "musllinux_1_2_x86_64", "win_amd64",
]
HUB = ["linux_x86_64", "linux_aarch64", "macos_aarch64", "windows_x86_64"]


def wheel():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr(zipfile.ZipInfo("p/__init__.py", (1980, 1, 1, 0, 0, 0)), "")
    return out.getvalue()


def lock(root, count, pythons):
    data = wheel()
    good = hashlib.sha256(data).hexdigest()
    names = [f"package-{i:04}" for i in range(count)]
    parts = ['version = 1\nrevision = 3\nrequires-python = ">=3.10"\n\n[[package]]\nname = "app"\nversion = "1"\nsource = { virtual = "." }\n',
             "dependencies = [\n" + "".join(f'    {{ name = "{name}" }},\n' for name in names) + "]\n\n"]
    for i, name in enumerate(names):
        needs = sorted({max(i - step, 0) for step in (1, 7, 30)} - {i})
        parts.append(f'[[package]]\nname = "{name}"\nversion = "1.{i}.0"\nsource = {{ registry = "https://example.invalid/simple" }}\n')
        if needs:
            rows = "".join(f'    {{ name = "{names[n]}", marker = "python_full_version < \'3.15\'" }},\n' for n in needs)
            parts.append(f"dependencies = [\n{rows}]\n")
        parts.append(f'sdist = {{ url = "https://example.invalid/{name}-1.{i}.0.tar.gz", hash = "sha256:{good}", size = 12345 }}\nwheels = [\n')
        for python in PYTHONS[:pythons]:
            for platform in PLATFORMS:
                file = f"{name.replace('-', '_')}-1.{i}.0-cp{python}-cp{python}-{platform}.whl"
                used = python == "311" and "manylinux" in platform and "x86_64" in platform
                digest = good if used else hashlib.sha256(file.encode()).hexdigest()
                url = f"https://example.invalid/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{file}"
                if used:
                    url = f"file://{root}/files/{file}"
                    (root / "files" / file).write_bytes(data)
                parts.append(f'    {{ url = "{url}", hash = "sha256:{digest}", size = 345678, upload-time = "2026-01-02T03:04:05.678Z" }},\n')
        parts.append("]\n\n")
    return "".join(parts), names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=int, default=1000)
    parser.add_argument("--bazel", default=str(REPO / "bazelw"))
    parser.add_argument("--mode", choices=["module", "workspace"], default="module")
    parser.add_argument("--pythons", type=int, default=len(PYTHONS))
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix=".bench_hub.", dir=pathlib.Path.home()))
    (root / "files").mkdir()
    text, names = lock(root, options.packages, options.pythons)
    work = root / "workspace"
    work.mkdir()
    (work / "uv.lock").write_text(text)
    (work / "BUILD.bazel").write_text(
        'exports_files(["uv.lock"])\n'
        'filegroup(name = "rule", srcs = select({"@platforms//os:linux": ["uv.lock"], "//conditions:default": []}))\n')
    (work / ".bazelversion").write_text((REPO / ".bazelversion").read_text())
    call = f'    name = "wheels",\n    file = "//:uv.lock",\n    platforms = {HUB},\n    pythons = ["3.11"],\n'.replace("'", '"')
    (work / "MODULE.bazel").write_text(
        f'module(name = "bench")\nbazel_dep(name = "rules_inference", version = "0.1.0")\nbazel_dep(name = "platforms", version = "1.0.0")\nlocal_path_override(module_name = "rules_inference", path = "{REPO}")\n'
        f'wheels = use_extension("@rules_inference//rules:extensions.bzl", "wheels")\nwheels.lock(\n{call})\nuse_repo(wheels, "wheels")\n')
    (work / "WORKSPACE").write_text(
        f'local_repository(name = "rules_inference", path = "{REPO}")\n'
        'load("@rules_inference//rules:repositories.bzl", "rules_inference_dependencies", "wheels_lock")\nrules_inference_dependencies()\n'
        f'wheels_lock(\n{call})\nload("@wheels//:install.bzl", "install_wheels")\ninstall_wheels()\n')
    modes = ["--lockfile_mode=off"] if options.mode == "module" else ["--noenable_bzlmod", "--enable_workspace"]
    startup = [options.bazel, f"--output_base={root}/base", "--max_idle_secs=120"]

    def bazel(command, *arguments):
        start, cpu = time.monotonic(), server_cpu()
        flags = [] if command in ["shutdown", "info"] else modes + ["--noshow_progress", "--experimental_convenience_symlinks=ignore"]
        done = subprocess.run([*startup, command, *flags, *arguments], cwd=work, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        return time.monotonic() - start, server_cpu() - cpu

    def server_cpu():
        try:
            pid = int((root / "base" / "server" / "server.pid.txt").read_text())
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError):
            return 0.0

    def row(name, times, note=""):
        wall, cpu = min(wall for wall, _ in times), min(cpu for _, cpu in times)
        print(f"{name:13} {wall:6.2f} s wall, {cpu:6.2f} s CPU  {note}", flush=True)

    def fetched():
        return len(list((root / "base" / "external").glob("*wheels_package_*/*.whl")))

    print(f"{len(text) / 1e6:.1f} MB of uv.lock, {options.packages} packages, {options.packages * options.pythons * len(PLATFORMS)} wheels")
    try:
        bazel("info", "release")
        row("first build", [bazel("build", "@wheels//" + names[0])], f"{fetched()} wheel fetched")
        row("same server", [bazel("build", f"@wheels//{names[1 + i]}") for i in range(options.runs)], f"{fetched()} wheels fetched")
        row("explain", [bazel("build", f"@wheels//{names[1]}:explain")])
        targets = {"new server": f"@wheels//{names[0]}", "no lock": "//:uv.lock", "no lock, rule": "//:rule"}
        times = {name: [] for name in targets}
        # In turns, so that other work on the machine hits all of them.
        for _ in range(options.runs):
            for name, target in targets.items():
                bazel("shutdown")
                bazel("info", "release")
                times[name].append(bazel("build", "--nobuild", target))
        for name in targets:
            row(name, times[name])
    finally:
        bazel("shutdown")
        subprocess.run(["chmod", "-R", "u+w", str(root)], check=False)
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
