"""Times builds of CUDA code for 7 architectures: an action for each, against one call of nvcc for all.

    python3 bench/cuda/bench.py [--bazel COMMAND] [--flags FLAGS] [--runs 3]

Compared are a first build, a build after an architecture was added, one after an edit of host code in the CUDA source, and one after
an edit of a C++ file beside it (where the other side is g++ alone). A run
is wall time without analysis, in a running server, with nothing from caches but the tools; nvcc has `-t 0`, as many threads as there
are cores. Each run is a pair, one after the other, so that other work on the machine meets both; printed are medians and the
median of the ratios.
"""

import argparse
import pathlib
import shlex
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARCHS = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90a", "sm_100", "sm_120"]
MORE = ["sm_121"]
TARGET = "//bench/cuda:kernels"


def timed(command):
    start = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}\n{done.stdout[-4000:]}")
    return time.monotonic() - start


class Bench:
    def __init__(self, bazel, flags):
        self.bazel, self.flags = shlex.split(bazel), shlex.split(flags) + ["--curses=no", "--noshow_progress"]
        timed(self.bazel + ["build"] + self.flags + ["//examples/cuda:vector_add_cuda"])
        base = subprocess.run(self.bazel + ["info"] + self.flags + ["output_base"], cwd=ROOT, capture_output=True, text=True, check=True)
        found = sorted(pathlib.Path(base.stdout.strip()).glob("external/*cuda*compiler*/bin/nvcc"))
        if not found:
            raise SystemExit("error: bench: nvcc: got none, expected the compiler of the toolkit below external/")
        self.nvcc = found[0]

    def build(self, archs, run):
        command = self.bazel + ["build"] + self.flags + ["--modify_execution_info=^Cuda.*$=+no-cache", f"--copt=-DBENCH_RUN={run}", f"--//rules:cuda_archs={','.join(archs)}"]
        timed(command + ["--nobuild", TARGET])
        return timed(command + [TARGET])

    def call_nvcc(self, archs, scratch):
        gencode = [f"-gencode=arch=compute_{arch[3:]},code={arch}" for arch in archs]
        return timed([str(self.nvcc), "-t", "0", "-std=c++20", "-O2", "-c", "bench/cuda/kernels.cu", "-o", f"{scratch}/kernels.o"] + gencode)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bazel", default="./bazelw")
    parser.add_argument("--flags", default="")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    bench = Bench(options.bazel, options.flags)
    host = ROOT / "bench/cuda/host.cc"
    kernels = ROOT / "bench/cuda/kernels.cu"
    before, kernels_before = host.read_text(), kernels.read_text()
    rows = {"first build": [], "one architecture more": [], "edit of host code in the source": [], "edit of a C++ file": []}
    try:
        with tempfile.TemporaryDirectory() as scratch:
            for _ in range(options.runs):
                run = time.time_ns()
                # Code that nobody has compiled: where preprocessing gives the same text, nothing is compiled.
                kernels.write_text(kernels_before + f"__device__ int run_{run};\n")
                rows["first build"].append((bench.build(ARCHS, run), bench.call_nvcc(ARCHS, scratch)))
                rows["one architecture more"].append((bench.build(ARCHS + MORE, run), bench.call_nvcc(ARCHS + MORE, scratch)))
                kernels.write_text(kernels.read_text() + f"int host_run_{run}() {{ return 1; }}\n")
                rows["edit of host code in the source"].append((bench.build(ARCHS + MORE, run), bench.call_nvcc(ARCHS + MORE, scratch)))
                host.write_text(before.replace("42", str(run % 1000000)))
                start = time.monotonic()
                subprocess.run(["g++", "-O2", "-c", str(host), "-o", f"{scratch}/host.o"], check=True)
                theirs = time.monotonic() - start
                rows["edit of a C++ file"].append((bench.build(ARCHS + MORE, run), theirs))
                host.write_text(before)
    finally:
        host.write_text(before)
        kernels.write_text(kernels_before)
    print("| | actions | one nvcc call | ratio |\n|---|---|---|---|")
    for name, pairs in rows.items():
        ours, theirs = ([pair[i] for pair in pairs] for i in (0, 1))
        ratio = statistics.median(theirs[i] / ours[i] for i in range(len(pairs)))
        print(f"| {name} | {statistics.median(ours):.1f} s | {statistics.median(theirs):.1f} s | {ratio:.2f} |")


if __name__ == "__main__":
    main()
