"""Times a lock of many models: what checking it costs, and what a build of one of them costs.

    python3 bench/models/bench.py LIST.tsv INFERCTL [--bazel ./bazelw] [--runs 5]

LIST.tsv has a line per file: name, url, size in bytes or `-`, sha256. A lock needs all four, and no tag in an address: a row
without a size gets the size 1 here and a tag becomes a made-up commit, so that the line is read and checked as any other.
How many there are of both is printed. Some more models lie on a server on the loopback interface. Nothing else is asked for anything.
"""

import argparse
import hashlib
import http.server
import json
import pathlib
import re
import statistics
import subprocess
import tempfile
import threading
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
FORMATS = {".onnx": "onnx", ".tflite": "tflite", ".pt": "pickle", ".gguf": "gguf", ".safetensors": "safetensors", ".bin": "ggml", ".json": "json"}
# New bytes, which no repository cache has.
BODY = b"lmgg %d" % time.time_ns()


class Handler(http.server.BaseHTTPRequestHandler):
    asked = []

    def do_GET(self):
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_):
        pass


def row(name, url, size, sha256):
    path = url.rsplit("/", 1)[1].partition("?")[0]
    kind = FORMATS.get(pathlib.PurePosixPath(path).suffix.lower(), "other")
    file = {"path": path, "format": kind, "size": size, "sha256": sha256, "urls": [url]}
    return {"name": name, "files": [file]}


def read(path):
    rows, unsized, tags = {}, 0, 0
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            continue
        name, url, size, sha256 = line.split("\t")[:4]
        unsized += size == "-"
        url, replaced = re.subn("/resolve/(?![0-9a-f]{40}/)[^/]+/", f"/resolve/{'0' * 40}/", url)
        tags += replaced
        name = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
        while name in rows:
            name += "_x"
        rows[name] = row(name, url, 1 if size == "-" else int(size), sha256)
    return rows, unsized, tags


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=pathlib.Path)
    parser.add_argument("inferctl", type=pathlib.Path)
    parser.add_argument("--bazel", default=str(REPO / "bazelw"))
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix=".bench_models.", dir=pathlib.Path.home()) as root:
        measure(options, pathlib.Path(root))


def measure(options, root):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rows, unsized, tags = read(options.list)
    here = f"http://127.0.0.1:{server.server_address[1]}/here.bin"
    for name in ["here"] + [f"here_{run}" for run in range(options.runs)]:
        rows[name] = row(name, here, len(BODY), hashlib.sha256(BODY).hexdigest())
    lock = {"lock_version": 1, "models": [rows[name] for name in sorted(rows)]}
    (root / "models.lock.json").write_text(json.dumps(lock, indent=1))
    (root / "BUILD.bazel").write_text('filegroup(name = "none", srcs = ["MODULE.bazel"])\n')
    (root / ".bazelversion").write_text((REPO / ".bazelversion").read_text())
    (root / "MODULE.bazel").write_text(
        'module(name = "bench")\nbazel_dep(name = "rules_inference", version = "0.1.0")\n'
        f'local_path_override(module_name = "rules_inference", path = "{REPO}")\n'
        'models = use_extension("@rules_inference//rules:extensions.bzl", "models")\n'
        'models.lock(name = "models", file = "//:models.lock.json")\nuse_repo(models, "models")\n')
    print(f"{len(rows)} models, of which {unsized} have no size in the list and {tags} have a tag", flush=True)

    def timed(*command):
        start = time.monotonic()
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return time.monotonic() - start

    times = [timed(options.inferctl.resolve(), "models", "lock", "--check") for _ in range(options.runs)]
    print(f"lock --check: {statistics.median(times) * 1000:.0f} ms")
    startup = [options.bazel, f"--output_base={root}/base", "--max_idle_secs=60"]
    flags = ["--lockfile_mode=off", "--noshow_progress", "--experimental_convenience_symlinks=ignore"]
    times = {"first build of one": [timed(*startup, "build", "--nobuild", *flags, "@models//here")]}
    fetched = sorted(p.name.split("models__")[1] for p in (root / "base/external").iterdir() if p.is_dir() and "models__" in p.name)
    print(f"fetched: {', '.join(fetched)}; the server was asked {len(Handler.asked)} times")
    for run in range(options.runs):
        for name, target in [("new server, no hub", "//:none"), ("new server", "@models//here")]:
            timed(*startup, "shutdown")
            times.setdefault(name, []).append(timed(*startup, "build", "--nobuild", *flags, target))
        times.setdefault("same server, another one", []).append(timed(*startup, "build", "--nobuild", *flags, f"@models//here_{run}"))
    for name, values in times.items():
        print(f"{name}: {statistics.median(values):.2f} s")
    timed(*startup, "shutdown")
    server.shutdown()


main()
