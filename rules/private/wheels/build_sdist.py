"""Builds a wheel of a source archive by its PEP 517 backend, for the rule sdist_wheel. Nothing is downloaded.

    build_sdist.py SDIST OUTPUT [--requires DIRECTORY]... [--setting KEY=VALUE]...

OUTPUT names the wheel that is expected; any other one is an error. Python 3.11 or newer.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

# The year 1980, where the times of zip files begin.
EPOCH = "315532800"

# Runs in the environment of the build: the hook of the backend.
HOOK = """
import importlib, json, sys
request = json.load(open(sys.argv[1]))
sys.path[:0] = request["backend_path"]
try:
    backend = importlib.import_module(request["backend"].partition(":")[0])
except ImportError as problem:
    json.dump({"missing": str(problem)}, open(sys.argv[2], "w"))
    sys.exit(0)
for name in filter(None, request["backend"].partition(":")[2].split(".")):
    backend = getattr(backend, name)
wheel = backend.build_wheel(request["output"], config_settings=request["settings"])
json.dump({"wheel": wheel}, open(sys.argv[2], "w"))
"""


class Problem(Exception):
    pass


def problem(where, got, expected, hint=""):
    return Problem(f"error: sdist_wheel: {where}: got {got}, expected {expected}" + (f"\nhint: {hint}" if hint else ""))


def unpack(sdist, directory):
    """Returns the one directory of the archive."""
    if sdist.name.endswith(".zip"):
        with zipfile.ZipFile(sdist) as archive:
            for name in archive.namelist():
                parts = pathlib.PurePosixPath(name).parts
                if name.startswith("/") or "\\" in name or ".." in parts:
                    raise problem(sdist.name, f"'{name}'", "paths inside of the archive")
            archive.extractall(directory)
    else:
        with tarfile.open(sdist) as archive:
            for member in archive:
                parts = pathlib.PurePosixPath(member.name).parts
                if not (member.isfile() or member.isdir()) or member.name.startswith("/") or ".." in parts:
                    raise problem(sdist.name, f"'{member.name}'", "files and directories inside of the archive")
            archive.extractall(directory, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    found = [path for path in directory.iterdir() if path.name != "pax_global_header"]
    if len(found) != 1 or not found[0].is_dir():
        raise problem(sdist.name, f"{len(found)} files at its top", "one directory, name-version")
    return found[0]


def build_system(source):
    """Returns (backend, backend_path, requires) of pyproject.toml, with the defaults of PEP 517."""
    import tomllib

    file = source / "pyproject.toml"
    table = tomllib.loads(file.read_text(encoding="utf-8")).get("build-system", {}) if file.exists() else {}
    paths = []
    for path in table.get("backend-path", []):
        inside = (source / path).resolve()
        if not inside.is_relative_to(source.resolve()):
            raise problem("pyproject.toml", f"backend-path '{path}'", "one inside of the source archive")
        paths.append(str(inside))
    requires = table.get("requires", ["setuptools"])
    return table.get("build-backend", "setuptools.build_meta:__legacy__"), paths, requires


def environment(work, requires):
    """A Python of its own, with nothing but `requires`: neither the machine's packages nor the user's."""
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(work / "venv")], check=True)
    (site,) = (work / "venv").glob("lib/python*/site-packages")
    directories = [str(path) for path in requires]
    (site / "requires.pth").write_text("".join(path + "\n" for path in directories))
    programs = [str(work / "venv" / "bin")] + [path + "/bin" for path in directories] + [os.environ.get("PATH", "/usr/bin:/bin")]
    for name in ["home", "tmp"]:
        (work / name).mkdir()
    # Objects name their sources, and this directory has another name each time.
    flag = f"-ffile-prefix-map={work}=/build"
    flags = {key: f"{os.environ.get(key, '')} {flag}".strip() for key in ["CFLAGS", "CXXFLAGS"]}
    keep = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_", "SETUPTOOLS_", "XDG_"))}
    return keep | flags | {
        "HOME": str(work / "home"),
        "LC_ALL": "C.UTF-8",
        "PATH": ":".join(programs),
        "PIP_NO_INDEX": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": EPOCH,
        "TMPDIR": str(work / "tmp"),
        "TZ": "UTC",
    }


def build(options, work):
    sdist, output = pathlib.Path(options.sdist), pathlib.Path(options.output).absolute()
    requires = [pathlib.Path(path).absolute() for path in options.requires]
    (work / "source").mkdir()
    (work / "wheel").mkdir()
    source = unpack(sdist, work / "source")
    backend, backend_path, wanted = build_system(source)
    request = {
        "backend": backend,
        "backend_path": backend_path,
        "output": str(work / "wheel"),
        "settings": dict(setting.split("=", 1) for setting in options.setting) or None,
    }
    (work / "request.json").write_text(json.dumps(request))
    python = work / "venv" / "bin" / "python"
    env = environment(work, requires)
    done = subprocess.run([str(python), "-c", HOOK, str(work / "request.json"), str(work / "answer.json")],
                          cwd=source, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    log = "".join(f"{backend}: {line}\n" for line in done.stdout.splitlines()[-40:])
    if done.returncode != 0:
        raise Problem(log + str(problem(sdist.name, f"exit code {done.returncode} from {backend}", "a wheel",
                                        "its last lines are above; what it compiles with is the machine's")))
    answer = json.loads((work / "answer.json").read_text())
    if "missing" in answer:
        raise problem(sdist.name, answer["missing"], f"the backend {backend}",
                      "name trees in build_requires; pyproject.toml wants " + ", ".join(wanted))
    if answer["wheel"] != output.name:
        raise problem(sdist.name, f"the wheel '{answer['wheel']}'", f"'{output.name}'", "name it in sdist_wheel(wheel)")
    shutil.copyfile(work / "wheel" / answer["wheel"], output)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sdist")
    parser.add_argument("output")
    parser.add_argument("--requires", action="append", default=[])
    parser.add_argument("--setting", action="append", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        try:
            if sys.version_info < (3, 11):
                raise problem("python3", sys.version.split()[0], "Python 3.11 or newer")
            build(options, pathlib.Path(work).resolve())
        except Problem as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
