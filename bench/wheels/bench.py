"""Times the unpacking of wheels against the tools people use today, on the same wheels, in one run.

    ./bazelw build //plugins/wheel
    python3 bench/wheels/bench.py --plugin bazel-bin/plugins/wheel/wheel WHEEL... [--runs 5] [--python PYTHON] [--json FILE]

Every peer makes site-packages directories of local wheels, with no cache and no byte code. pip, uv and installer are started
once for all wheels; ours and unzip once per wheel, as build actions are, one after the other unless the row says how many at a
time. Ours checks every digest in RECORD, reads all ELF files and writes the layout; installer checks digests only in the row
that says so, the others never.
The commands run in turn (A B C ... A B C ...), so a machine that slows down slows all of them; medians are printed, with the
spread. A peer that is not installed is left out.

Wall seconds; CPU is user + system of all processes; memory is the peak of the largest process.
"""

import argparse
import json
import os
import pathlib
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

INSTALLER_PEER = """
import sys
from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile
root, check, *wheels = sys.argv[1:]
schemes = {"purelib": root, "platlib": root, "headers": root + "/include", "scripts": root + "/bin", "data": root}
for wheel in wheels:
    with WheelFile.open(wheel) as source:
        if check == "check":
            source.validate_record()
        install(source, SchemeDictionaryDestination(schemes, sys.executable, "posix"), {})
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


def per_wheel(lines):
    """One process for each line, in a shell that does nothing else."""
    return ["/bin/sh", "-ec", "\n".join(" ".join(map(shlex.quote, line)) for line in lines)]


def ours(plugin, wheels, out, **extra):
    return per_wheel([
        [str(plugin), json.dumps({"unpack": {
            "wheel": str(wheel), "output_dir": str(out / wheel.name), "layout_output": str(out / f"{wheel.name}.json"), **extra}})]
        for wheel in wheels])


def at_a_time(plugin, wheels, out, work):
    """As many processes as there are cores, as Bazel runs actions."""
    requests = []
    for wheel in wheels:
        request = work / f"{wheel.name}.request"
        request.write_text(json.dumps({"unpack": {
            "wheel": str(wheel), "output_dir": str(out / wheel.name), "layout_output": str(out / f"{wheel.name}.json"), "threads": 2}}))
        requests.append(f"@{request}\n")
    (work / "requests").write_text("".join(requests))
    return ["xargs", "-a", str(work / "requests"), "-P", str(os.cpu_count()), "-n", "1", str(plugin)]


def commands_of(args, work):
    """Name -> (command, environment, directory)."""
    wheels = [str(wheel) for wheel in args.wheels]
    out = {name: work / name for name in ("ours", "one", "many", "pip", "uv", "uvlink", "unzip", "installer", "checked")}
    commands = {"ours": (ours(args.plugin, args.wheels, out["ours"]), {}, out["ours"]),
                "ours, 1 thread": (ours(args.plugin, args.wheels, out["one"], threads=1), {}, out["one"]),
                f"ours, {os.cpu_count()} at a time": (at_a_time(args.plugin, args.wheels, out["many"], work), {}, out["many"])}
    pip = [args.python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile", "--no-cache-dir",
           "--disable-pip-version-check", "--no-warn-script-location", "--root-user-action=ignore", "--ignore-requires-python",
           "--target", str(out["pip"])]
    commands["pip install --target"] = (pip + wheels, {}, out["pip"])
    if shutil.which("uv"):
        uv = ["uv", "pip", "install", "--quiet", "--offline", "--no-index", "--no-deps", "--python", args.python]
        for name, mode, key in (("uv pip install, copy", "copy", "uv"), ("uv pip install, hard links", "hardlink", "uvlink")):
            # The cache is a part of the work and lies beside the output, where links are possible.
            env = {"UV_CACHE_DIR": str(out[key] / "cache")}
            commands[name] = (uv + ["--link-mode", mode, "--target", str(out[key] / "site")] + wheels, env, out[key])
    if shutil.which("unzip"):
        commands["unzip"] = (per_wheel([["unzip", "-q", wheel, "-d", str(out["unzip"] / pathlib.Path(wheel).name)] for wheel in wheels]),
                             {}, out["unzip"])
    if subprocess.run([args.python, "-c", "import installer"], capture_output=True).returncode == 0:
        script = work / "peer.py"
        script.write_text(INSTALLER_PEER)
        for name, check, key in (("installer", "-", "installer"), ("installer, digests checked", "check", "checked")):
            commands[name] = ([args.python, str(script), str(out[key]), check] + wheels, {}, out[key])
    return commands


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="+", type=lambda p: pathlib.Path(p).resolve())
    parser.add_argument("--plugin", required=True, type=lambda p: pathlib.Path(p).resolve(), help="the wheel plugin")
    parser.add_argument("--python", default=sys.executable, help="the Python of pip and installer")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="beginnings of the names of the commands to run")
    parser.add_argument("--dir", help="where the trees go (default: the folder for temporary files)")
    parser.add_argument("--json", type=pathlib.Path, help="also write the figures here")
    args = parser.parse_args()

    work = pathlib.Path(tempfile.mkdtemp(prefix="bench_wheels_", dir=args.dir))
    commands = commands_of(args, work)
    if args.only:
        commands = {name: value for name, value in commands.items() if name.startswith(tuple(args.only))}
    figures = {name: [] for name in commands}
    for n in range(args.runs):
        for name, (command, extra, out) in commands.items():
            # Untimed once: else the first to use memory that the others have freed pays for them on a virtual machine,
            # where such pages go back to the host; and nobody waits for what the one before has left to write.
            for timed in (False, True):
                out.mkdir()
                os.sync()
                figure = run(command, env={**os.environ, **extra})
                if not timed:
                    shutil.rmtree(out)
            figures[name].append(figure)
            if n == args.runs - 1 and name == "ours":
                files = [p for p in out.rglob("*") if p.is_file()]
                total = (len(files) - len(args.wheels), sum(p.stat().st_size for p in files))
            shutil.rmtree(out)
            print(f"run {n + 1}/{args.runs}: {name}: {figure[0]:.2f} s", file=sys.stderr)

    first = statistics.median(f[0] for f in figures["ours"])
    print(f"{len(args.wheels)} wheels, {total[0]} files, {total[1] / 1e6:.0f} MB; {os.cpu_count()} cores; median of {args.runs} runs (min-max)\n")
    print("| | wall s | CPU s | peak MB | this / ours |\n|---|---|---|---|---|")
    rows = []
    for name, values in figures.items():
        walls, cpus, peaks = zip(*values)
        wall = statistics.median(walls)
        rows.append({"name": name, "wall_s": round(wall, 3), "wall_min_s": round(min(walls), 3), "wall_max_s": round(max(walls), 3),
                     "cpu_s": round(statistics.median(cpus), 3), "peak_mb": round(max(peaks)), "times_ours": round(wall / first, 2)})
        r = rows[-1]
        print(f"| {name} | {r['wall_s']:.2f} ({r['wall_min_s']:.2f}-{r['wall_max_s']:.2f}) | {r['cpu_s']:.2f} | {r['peak_mb']} | {r['times_ours']:.1f} |")
    if args.json:
        args.json.write_text(json.dumps({"files": total[0], "bytes": total[1], "rows": rows}, indent=1) + "\n")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
