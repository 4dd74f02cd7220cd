"""Times the analysis of `@many//:artifact`, a hub of 200 variants, in an outside workspace.

    python3 bench/variants/analysis.py [--bazel COMMAND] [--rows 200] [--runs 5]

A run is a new server: nothing is in its memory, all repositories are on the disk, as on a developer's second morning. It
analyses a hub of one row first, which loads what every hub needs (rules, toolchains, the select plugin with all its
libraries), and then the hub of many rows, which is what those rows cost. Printed is the time of the analysis phase (loading
included) in Bazel's own build event; medians, with the spread. An untimed run comes first.
"""

import argparse
import hashlib
import io
import json
import os
import pathlib
import statistics
import subprocess
import tarfile
import tempfile

MODULE = """\
module(name = "bench_variants")

bazel_dep(name = "rules_inference", version = "0.1.0")
local_path_override(module_name = "rules_inference", path = {repo})

variants = use_extension("@rules_inference//rules:extensions.bzl", "variants")
variants.artifact(name = "many", lock = "//:many.lock.json")
variants.artifact(name = "one", lock = "//:one.lock.json")
use_repo(variants, "many", "one")
"""


def write_workspace(root, repo, rows):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    archive = root / "archive.tar.gz"
    archive.write_bytes(data.getvalue())
    cpu = {"name": "cpu", "platform": "linux-x86_64", "format": "tar.gz", "urls": [archive.as_uri()],
           "sha256": hashlib.sha256(data.getvalue()).hexdigest(), "size": len(data.getvalue()), "properties": {}}
    gpu = {"accelerator": "cuda", "cuda": "12.8", "cubins": ["sm_86"], "sonames": ["libcudart.so.12"]}
    for name, count in [("many", rows), ("one", 1)]:
        variants = [dict(cpu, name=f"cuda-{i}", properties=gpu) for i in range(count - 1)] + [cpu]
        lock = {"lock_version": 1, "artifact": name, "version": "1.0", "variants": variants}
        (root / f"{name}.lock.json").write_text(json.dumps(lock, indent=1, sort_keys=True))
    (root / "MODULE.bazel").write_text(MODULE.format(repo=json.dumps(str(repo))))
    (root / "BUILD.bazel").write_text("")


def analysis_ms(bazel, root, target):
    events = root / "events.json"
    flags = ["--curses=no", "--noshow_progress", "--lockfile_mode=off", "--experimental_convenience_symlinks=ignore"]
    subprocess.run([*bazel, "build", "--nobuild", *flags, f"--build_event_json_file={events}", target], cwd=root, check=True,
                   stderr=subprocess.PIPE)
    for line in events.read_text().splitlines():
        event = json.loads(line)
        if "buildMetrics" in event:
            return int(event["buildMetrics"]["timingMetrics"]["analysisPhaseTimeInMs"])
    raise SystemExit("error: build events: got no buildMetrics, expected one")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    repo = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--bazel", default=str(repo / "bazelw"), help="program that runs Bazel")
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    # Not below /tmp, which some sandboxes hide.
    with tempfile.TemporaryDirectory(dir=pathlib.Path.home(), prefix=".bench_variants.") as folder:
        root = pathlib.Path(folder) / "workspace"
        root.mkdir()
        write_workspace(root, repo, options.rows)
        bazel = [options.bazel, f"--output_base={folder}/base"]
        times = {"many": [], "one": []}
        try:
            for run in range(options.runs + 1):
                for name, found in sorted(times.items(), reverse=True):  # `one` first.
                    time = analysis_ms(bazel, root, f"@{name}//:artifact")
                    if run:
                        found.append(time)
                subprocess.run([*bazel, "shutdown"], cwd=root, check=True, stderr=subprocess.PIPE)
        finally:
            subprocess.run([*bazel, "shutdown"], cwd=root, stderr=subprocess.PIPE)
            subprocess.run(["chmod", "-R", "u+w", folder])
    print(f"{os.cpu_count()} cores, {options.runs} runs")
    for name, what in [("one", "1 row, new server"), ("many", f"{options.rows} rows after it")]:
        found = times[name]
        print(f"{what:20} {statistics.median(found):6.0f} ms ({min(found)}-{max(found)})")


if __name__ == "__main__":
    main()
