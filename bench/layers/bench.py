"""Times layer assembly against the tools people use today, on the same wheels, in one run.

    ./bazelw build //plugins/layer
    python3 bench/layers/bench.py --plugin bazel-bin/plugins/layer/layer WHEEL... [--runs 5] [--rules-pkg DIR] [--json FILE]

Every peer gets the wheels already unpacked, for free, because none of them reads a wheel; only writing the compressed tar is
timed. Ours reads the wheels, checks every RECORD digest, and also computes digest, size and diff_id, which for the peers is a
second pass that is not counted either. The commands run in turn (A B C ... A B C ...), so a machine that slows down slows all
of them; medians are printed, with the spread.

Wall seconds; CPU is user + system of all processes; memory is the peak of the largest process; the size is the blob's.
"""

import argparse
import hashlib
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

PYTHON_PEER = """
import sys, tarfile
def clean(info):
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    return info
with tarfile.open(sys.argv[1], "w:gz", compresslevel=6) as tar:
    tar.add(sys.argv[2], arcname="site-packages", filter=clean)
"""


def run(command, **kwargs):
    """Runs one command; returns (wall s, cpu s, peak MB)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **kwargs)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"error: {command[0]} failed: {error.decode(errors='replace')[-400:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, usage.ru_maxrss / 1024


def ours(plugin, wheels, out, mode="SPLICE", **extra):
    request = out.with_suffix(".request")
    head = {"layer": {"output": str(out), "sideFile": str(out) + ".json", "mode": mode, **extra}}
    lines = [head] + [{"layer": {"wheels": [{"source": str(w), "prefix": "site-packages"}]}} for w in wheels]
    request.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return [str(plugin), f"@{request}"]


def rules_pkg_command(root, tree, out, work):
    entries = []
    for path in sorted(tree.rglob("*")):
        if path.is_file():
            entries.append({"type": "file", "dest": f"site-packages/{path.relative_to(tree)}", "src": str(path),
                            "mode": "0644", "user": None, "group": None, "origin": "bench"})
    manifest = work / "manifest.json"
    manifest.write_text(json.dumps(entries))
    script = "import sys; sys.argv[0] = 'build_tar'; from pkg.private.tar import build_tar; build_tar.main()"
    command = [sys.executable, "-c", script, "--output", str(out), "--manifest", str(manifest), "--compression", "gz", "--mtime", "0", "--directory", "/"]
    return command, {"env": {**os.environ, "PYTHONPATH": str(root)}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="+", type=pathlib.Path)
    parser.add_argument("--plugin", required=True, type=pathlib.Path, help="the layer plugin")
    parser.add_argument("--rules-pkg", type=pathlib.Path, help="root of rules_pkg's sources, for pkg_tar's own program")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path, help="also write the figures here")
    args = parser.parse_args()

    work = pathlib.Path(tempfile.mkdtemp(prefix="bench_layers_"))
    tree = work / "site-packages"
    tree.mkdir()
    for wheel in args.wheels:
        with zipfile.ZipFile(wheel) as z:
            z.extractall(tree)
    out = {name: work / f"{name}.tar.gz" for name in ("splice", "known", "deflate", "bsdtar", "pigz", "python", "pkg_tar")}
    run(ours(args.plugin, args.wheels, out["splice"]))
    side = json.loads((work / "splice.tar.gz.json").read_text())
    tar_mb = int(side["unpacked_size"]) / 1e6

    python_script = work / "peer.py"
    python_script.write_text(PYTHON_PEER)
    commands = {
        "ours, splice": (ours(args.plugin, args.wheels, out["splice"]), {}, out["splice"]),
        "ours, splice, diff_id known": (
            ours(args.plugin, args.wheels, out["known"], knownDiffId=side["diff_id"]), {}, out["known"]),
        "ours, deflate": (ours(args.plugin, args.wheels, out["deflate"], mode="DEFLATE"), {}, out["deflate"]),
    }
    if shutil.which("bsdtar"):
        commands["bsdtar, gzip -6"] = (
            ["bsdtar", "-C", str(work), "--uid", "0", "--gid", "0", "--format=pax", "-czf", str(out["bsdtar"]),
             "--options", "gzip:compression-level=6,gzip:!timestamp", "site-packages"], {}, out["bsdtar"])
    if shutil.which("pigz"):
        commands["GNU tar, pigz -6"] = (
            ["tar", "-C", str(work), "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0",
             "-I", "pigz -6 -n", "-cf", str(out["pigz"]), "site-packages"], {}, out["pigz"])
    commands["Python tarfile, gzip 6"] = (
        [sys.executable, str(python_script), str(out["python"]), str(tree)], {}, out["python"])
    if args.rules_pkg:
        command, kwargs = rules_pkg_command(args.rules_pkg, tree, out["pkg_tar"], work)
        commands["rules_pkg pkg_tar, gz"] = (command, kwargs, out["pkg_tar"])

    figures = {name: [] for name in commands}
    for n in range(args.runs):
        for name, (command, kwargs, blob) in commands.items():
            # Untimed once: else the first to use memory that the others have freed pays for them on a virtual machine,
            # where such pages go back to the host; and nobody waits for what the one before has left to write.
            blob.unlink(missing_ok=True)
            run(command, **kwargs)
            blob.unlink()
            os.sync()
            figures[name].append(run(command, **kwargs))
            print(f"run {n + 1}/{args.runs}: {name}: {figures[name][-1][0]:.2f} s", file=sys.stderr)

    rows = []
    best_gzip = min(statistics.median(f[0] for f in figures[n]) for n in commands if not n.startswith("ours"))
    for name, (_, _, blob) in commands.items():
        walls, cpus, peaks = zip(*figures[name])
        wall = statistics.median(walls)
        rows.append({"name": name, "wall_s": round(wall, 3), "wall_min_s": round(min(walls), 3), "wall_max_s": round(max(walls), 3),
                     "cpu_s": round(statistics.median(cpus), 3), "peak_mb": round(max(peaks)), "blob_mb": round(blob.stat().st_size / 1e6, 1),
                     "tar_mb_per_s": round(tar_mb / wall), "times_best_gzip_peer": round(best_gzip / wall, 1)})
    files = sum(1 for p in tree.rglob("*") if p.is_file())
    print(f"{len(args.wheels)} wheels, {files} files, {tar_mb:.0f} MB of tar; {os.cpu_count()} cores; median of {args.runs} runs (min-max)\n")
    print("| | wall s | CPU s | peak MB | blob MB | tar MB/s | best gzip peer / this |\n|---|---|---|---|---|---|---|")
    for r in rows:
        print(f"| {r['name']} | {r['wall_s']:.2f} ({r['wall_min_s']:.2f}-{r['wall_max_s']:.2f}) | {r['cpu_s']:.2f} | {r['peak_mb']} "
              f"| {r['blob_mb']} | {r['tar_mb_per_s']} | {r['times_best_gzip_peer']:.1f} |")
    if args.json:
        args.json.write_text(json.dumps({"tar_mb": tar_mb, "files": files, "rows": rows}, indent=1) + "\n")
    # What was measured is what was meant: the layer is the one that its side file names.
    digest = "sha256:" + hashlib.sha256(out["splice"].read_bytes()).hexdigest()
    if digest != side["digest"]:
        sys.exit(f"error: wrong layer: {out['splice']}: got {digest}, expected {side['digest']}")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
