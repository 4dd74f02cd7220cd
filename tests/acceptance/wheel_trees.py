"""Compares unpacked wheels with what `pip install --target` makes of them, file by file.

    python3 tests/acceptance/wheel_trees.py --plugin bazel-bin/plugins/wheel/wheel WHEEL...
    python3 tests/acceptance/wheel_trees.py WHEEL=TREE...

Without TREE the plugin unpacks each wheel, with every thread count of --threads, whose trees have to be the same. One line per
wheel, `PASS name` or `FAIL name: why`. These differences are meant (docs/wheels.md), everything else is a failure:

    RECORD                         ours is sorted and holds every file; checked here against the tree instead
    INSTALLER                      says rules_inference
    REQUESTED, direct_url.json     pip's notes about the command that was typed
    bin/NAME of an entry point     another text, for any interpreter; both must be executable
    first line of scripts          #!/usr/bin/env python3, not pip's own interpreter
    include/NAME                   include/python/NAME in pip
    RECORD.jws, RECORD.p7s         signatures of another RECORD
    bin/pip3.11                    of the wheel of pip: pip makes it for the Python that runs
"""

import argparse
import base64
import configparser
import csv
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SHEBANG = b"#!/usr/bin/env python3\n"


def scan(root):
    """Path -> (executable, bytes) of all files."""
    files = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            raise ValueError(f"{path} is a symlink")
        if path.is_file():
            files[path.relative_to(root).as_posix()] = (os.access(path, os.X_OK) and bool(path.stat().st_mode & 0o100), path.read_bytes())
    return files


def programs(files, dist_info):
    text = files.get(f"{dist_info}/entry_points.txt", (False, b""))[1].decode()
    parser = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(text)
    return {name for group in ("console_scripts", "gui_scripts") if parser.has_section(group) for name in parser[group]}


def check_record(files, dist_info):
    """What is wrong with our RECORD, or None."""
    record = f"{dist_info}/RECORD"
    rows = list(csv.reader(files[record][1].decode().splitlines()))
    if [row[0] for row in rows] != sorted({row[0] for row in rows}):
        return "RECORD is not sorted"
    listed = {row[0]: row[1:] for row in rows}
    if set(listed) != set(files):
        return f"RECORD and the tree differ in {sorted(set(listed) ^ set(files))[:3]}"
    for path, (_, data) in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        expected = ["", ""] if path == record else [f"sha256={digest}", str(len(data))]
        if listed[path] != expected:
            return f"RECORD has {listed[path]} for {path}, expected {expected}"
    return None


def compare(ours, pips, any_mode):
    """What is not as documented, or None."""
    infos = {path.split("/")[0] for path in ours if path.split("/")[0].endswith(".dist-info")}
    if len(infos) != 1:
        return f"dist-info {infos}"
    info = infos.pop()
    problem = check_record(ours, info)
    if problem:
        return problem
    if ours[f"{info}/INSTALLER"][1] != b"rules_inference\n":
        return "INSTALLER"
    starts = programs(ours, info)
    for name in starts:
        if not ours[f"bin/{name}"][0] or f"bin/{name}" not in pips:
            return f"bin/{name} is not a program in both"
        compile(ours[f"bin/{name}"][1], name, "exec")
    ignored = {f"{info}/{name}" for name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "RECORD.jws", "RECORD.p7s")}
    ignored |= {f"bin/{name}" for name in starts}
    # pip adds programs with its Python's version for pip itself, and for no other wheel.
    if info.startswith("pip-"):
        ignored |= {path for path in pips if re.fullmatch(r"bin/pip3[.0-9]*", path)}
    pips = {(path.replace("include/python/", "include/", 1) if path.startswith("include/python/") else path): value for path, value in pips.items()}
    ours = {path: value for path, value in ours.items() if path not in ignored}
    pips = {path: value for path, value in pips.items() if path not in ignored}
    if set(ours) != set(pips):
        return f"only here {sorted(set(ours) - set(pips))[:3]}, only in pip's {sorted(set(pips) - set(ours))[:3]}"
    for path, (executable, data) in ours.items():
        theirs = pips[path]
        if path.startswith("bin/") and data.startswith(SHEBANG) and theirs[1].startswith(b"#!"):
            data, theirs = data[len(SHEBANG):], (theirs[0], theirs[1].split(b"\n", 1)[1])
        if executable != theirs[0] and not any_mode:
            return f"{path}: executable {executable}, pip has {theirs[0]}"
        if data != theirs[1]:
            return f"{path}: other bytes"
    return None


def unpack(plugin, wheel, work, threads):
    """Returns the tree, or text with what went wrong."""
    tree, layout = work / f"tree{threads}", work / f"layout{threads}.json"
    request = {"unpack": {"wheel": str(wheel), "output_dir": str(tree), "layout_output": str(layout), "threads": threads}}
    result = subprocess.run([plugin, json.dumps(request)], capture_output=True, text=True)
    return (tree, layout, None) if result.returncode == 0 else (tree, layout, result.stderr.strip())


def pip_tree(wheel, work):
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check",
               "--no-warn-script-location", "--root-user-action=ignore", "--ignore-requires-python", "--target", str(work / "pip"), str(wheel)]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stderr.strip().split("\n")[-1] if result.returncode else None


def check(args, wheel, tree, work):
    layouts = []
    trees = []
    if tree is None:
        for threads in args.threads:
            tree, layout, problem = unpack(args.plugin, wheel, work, threads)
            if problem:
                return problem
            layouts.append(layout.read_bytes())
            trees.append(scan(tree))
            shutil.rmtree(tree)
        if any(t != trees[0] for t in trees) or any(text != layouts[0] for text in layouts):
            return f"other bytes with one of {args.threads} threads"
        layout = json.loads(layouts[0])
        size = sum(len(data) for _, data in trees[0].values())
        if (layout["files"], layout["bytes"]) != (len(trees[0]), size):
            return f"layout says {layout['files']} files of {layout['bytes']} bytes, expected {len(trees[0])} of {size}"
    else:
        trees.append(scan(tree))
    problem = pip_tree(wheel, work)
    return f"pip: {problem}" if problem else compare(trees[0], scan(work / "pip"), args.any_mode)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="+", help="WHEEL or WHEEL=TREE")
    parser.add_argument("--plugin", help="the wheel plugin")
    parser.add_argument("--any-mode", action="store_true", help="do not compare which files are executable")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 8])
    args = parser.parse_args()
    failed = 0
    for pair in args.wheels:
        wheel, _, tree = pair.partition("=")
        work = pathlib.Path(tempfile.mkdtemp(prefix="wheel_trees_"))
        try:
            problem = check(args, pathlib.Path(wheel), pathlib.Path(tree) if tree else None, work)
        finally:
            shutil.rmtree(work)
        name = pathlib.Path(wheel).name.split("-")[0]
        print(f"FAIL {name}: {problem}" if problem else f"PASS {name}", flush=True)
        failed += problem is not None
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
