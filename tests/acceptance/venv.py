"""Makes a virtual environment of wheels with the wheel plugin, and prints figures.

    python3 tests/acceptance/venv.py --plugin bazel-bin/plugins/wheel/wheel --output DIR --python 3.11 WHEEL...

DIR gets `trees`, with the layout of each beside it, and `env`. Prints one line: wheels, files, links, real directories, bytes and
seconds; or what the plugin says, with exit code 1.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import time


def plugin(program, work, request):
    """The error text of one request; empty when it is done."""
    file = work / "request.json"
    file.write_text(json.dumps(request) + "\n")
    result = subprocess.run([program, f"@{file}"], capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="+", type=pathlib.Path)
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--python", required=True, help="such as 3.11")
    parser.add_argument("--choose", action="append", default=[], metavar="PATH=OWNER")
    args = parser.parse_args()
    trees = args.output / "trees"
    trees.mkdir(parents=True, exist_ok=True)
    requests = []
    start = time.monotonic()
    for wheel in args.wheels:
        tree = trees / "-".join(wheel.name.split("-")[:2])
        layout = tree.with_name(tree.name + ".json")
        requests.append({"path": str(tree), "layout": str(layout)})
        if tree.exists():
            continue
        problem = plugin(args.plugin, args.output, {"unpack": {"wheel": str(wheel), "outputDir": str(tree), "layoutOutput": str(layout)}})
        if problem:
            sys.exit(problem)
    unpacked = time.monotonic() - start
    shutil.rmtree(args.output / "env", ignore_errors=True)
    start = time.monotonic()
    summary = args.output / "env.json"
    choices = [dict(zip(("path", "owner"), choice.split("=", 1))) for choice in args.choose]
    problem = plugin(args.plugin, args.output, {"venv": {
        "trees": requests, "outputDir": str(args.output / "env"), "summaryOutput": str(summary), "pythonVersion": args.python,
        "choices": choices}})
    if problem:
        sys.exit(problem)
    seconds = time.monotonic() - start
    made = json.loads(summary.read_text())
    size = sum(int(json.loads(pathlib.Path(request["layout"]).read_text())["bytes"]) for request in requests)
    print(f"{len(made['wheels'])} wheels, {made['wheel_files']} files of {size / 1e9:.2f} GB: {made.get('directory_links', 0)} links to "
          f"directories and {made.get('file_links', 0)} to files in {made['directories']} real directories, "
          f"{seconds:.2f} s (unpacking {unpacked:.1f} s)")


if __name__ == "__main__":
    main()
