"""Measures the CPU engine side by side with whisper.cpp; see README.md.

Usage: bench.py ENGINE_BENCH FOLDER_OF_PEER DIRECTORY [--sizes base,small] [--types f16,q5_1,q8_0] [--threads N]
       [--rounds N] [--isa NAME]
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys

TOKENS = 32
PROMPT = 64


class Side:
    """A process that works when it is told to, and says how long it took."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.title = self.process.stdout.readline().strip()

    def run(self, command, count):
        self.process.stdin.write("%s %d\n" % (command, count))
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit("error: %s ended" % self.process.args)
        return [float(field) for field in line.split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine_bench")
    parser.add_argument("peer")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--sizes", default="base,small")
    parser.add_argument("--types", default="f16,q5_1,q8_0")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--isa", default="")
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    print("| model | what | ours | whisper.cpp | ratio | CPU ours | CPU whisper.cpp |\n|---|---|---|---|---|---|---|")
    titles = set()
    for size in options.sizes.split(","):
        for kind in options.types.split(","):
            model = options.directory / ("%s-%s.bin" % (size, kind))
            if not model.exists():
                subprocess.run([options.engine_bench, "make", size, kind, model], check=True)
            serve = [options.engine_bench, "serve", model, options.threads]
            ours = Side(serve + ([options.isa] if options.isa else []))
            peer = Side([sys.executable, os.path.join(os.path.dirname(__file__), "peer.py"), options.peer, model, options.threads])
            titles |= {ours.title, peer.title}
            for command, count, unit, scale in [
                ("encode", 1, "ms a window", 1e3),
                ("decode", TOKENS, "us a token", 1e6 / TOKENS),
                ("prompt", PROMPT, "us a token of a prompt", 1e6 / PROMPT),
            ]:
                results = []
                for round_ in range(options.rounds + 1):
                    # The first warms up. Who begins changes, so that drifts hit both.
                    pair = [None, None]
                    for side in [0, 1] if round_ % 2 else [1, 0]:
                        pair[side] = [ours, peer][side].run(command, count)
                    if round_:
                        results.append(pair)
                median = lambda values: statistics.median(values)
                wall = [scale * median(pair[side][0] for pair in results) for side in (0, 1)]
                user = [scale * median(pair[side][1] for pair in results) for side in (0, 1)]
                ratio = median(pair[1][0] / pair[0][0] for pair in results)
                print("| %s %s | %s | %.0f | %.0f | %.2f | %.0f | %.0f |" % (size, kind, unit, *wall, ratio, *user), flush=True)
            ours.close()
            peer.close()
    print()
    for title in sorted(titles):
        print(title)


main()
