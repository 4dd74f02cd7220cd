"""Writes requirements.lock.txt from requirements.in. Needs uv (`pip install uv`) and its package index.

    python3 examples/comfy/update_lock.py

The packages are resolved for CPython 3.11 on x86_64 and on aarch64 Linux. The lock has the sha256 of the one wheel that
pip takes on each of the two, and nothing else: no other wheels, no source archives, no index.
"""

import pathlib
import subprocess
import tempfile
import tomllib

PYTHON = "3.11"
GLIBC = "manylinux_2_28"
MACHINES = ["x86_64", "aarch64"]
HERE = pathlib.Path(__file__).resolve().parent


def resolve(machine, folder):
    """Returns {(name, version): wheels}, the wheels being (file name, sha256) that run on `machine`."""
    output = pathlib.Path(folder, f"pylock.{machine}.toml")
    subprocess.run(
        ["uv", "pip", "compile", "--quiet", "--only-binary=:all:", "--format=pylock.toml", f"--output-file={output}"]
        + [f"--python-version={PYTHON}", f"--python-platform={machine}-{GLIBC}", HERE / "requirements.in"],
        check=True,
    )
    packages = tomllib.loads(output.read_text())["packages"]
    return {
        (package["name"], package["version"]): [
            (wheel["url"].rpartition("/")[2], wheel["hashes"]["sha256"]) for wheel in package["wheels"]
        ]
        for package in packages
    }


def rank(wheel):
    """Orders wheels as pip prefers them: this python, then the stable ABI (newest first), then any."""
    python, abi, platform = wheel[0].removesuffix(".whl").split("-")[-3:]
    own = "cp" + PYTHON.replace(".", "")
    if abi == own:
        return (0, 0)
    if abi == "abi3":
        return (1, -int(python.partition(".")[0].removeprefix("cp3")))
    return (2 if platform != "any" else 3, 0)


def main():
    with tempfile.TemporaryDirectory() as folder:
        resolved = {machine: resolve(machine, folder) for machine in MACHINES}
    lines = ["# Written by update_lock.py from requirements.in, for CPython 3.11 on x86_64 and aarch64 Linux."]
    for name, version in sorted({pin for packages in resolved.values() for pin in packages}):
        having = [machine for machine in MACHINES if (name, version) in resolved[machine]]
        marker = "" if having == MACHINES else f" ; platform_machine == '{having[0]}'"
        hashes = sorted({min(resolved[machine][name, version], key=rank)[1] for machine in having})
        lines.append(f"{name}=={version}{marker} \\")
        lines += [f"    --hash=sha256:{sha256} \\" for sha256 in hashes[:-1]] + [f"    --hash=sha256:{hashes[-1]}"]
    (HERE / "requirements.lock.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
