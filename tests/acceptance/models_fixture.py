"""A hub and a web server of models.sh, on a free port of loopback.

    models_fixture.py make DIR              repositories in DIR/hub/OWNER/NAME/COMMIT, plain files in DIR/files
    models_fixture.py serve DIR             writes the port to DIR/port, every request to DIR/requests.log
    models_fixture.py pick COMMAND... LINE  runs the command at a terminal, types the line, prints what is there at the end

DIR/hub/OWNER/NAME/main holds the commit of the branch. Trees come in pages of two. Files of 64 bytes and more are large files: their
digest is in the tree, and they are at another path, to which their address redirects.
"""

import hashlib
import http.server
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import time

COMMITS = ["1" * 40, "2" * 40, "3" * 40]
LARGE = 64


def safetensors(fill, size=96):
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + fill * size


def gguf(fill):
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + fill * 200


def make(root):
    def write(repository, commit, files):
        for path, data in files.items():
            file = root / "hub" / repository / COMMITS[commit] / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        (root / "hub" / repository / "main").write_text(COMMITS[commit])

    index = json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}).encode()
    shards = {
        "config.json": b'{"small": true}',
        "model-00001-of-00002.safetensors": safetensors(b"a"),
        "model-00002-of-00002.safetensors": safetensors(b"b"),
        "model.safetensors.index.json": index,
        "vocab/words.txt": b"a\nb\n",
    }
    write("o/shards", 1, {**shards, "config.json": b'{"small": false}'})
    write("o/shards", 0, shards)
    write("o/incomplete", 0, {path: data for path, data in shards.items() if "00002-of" not in path})
    write("o/unsafe", 0, {"a.gguf": gguf(b"x"), "model.bin": b"\x80\x02}q\0." + b"x" * 99})
    write("o/renamed", 0, {"model.safetensors": b"\x80\x02}q\0." + b"x" * 99})
    write("o/cases", 0, {"A.txt": b"a", "a.txt": b"b"})
    (root / "files").mkdir()
    for name in ["f16", "q5_1", "q8_0"]:
        (root / "files" / f"tiny-{name}.bin").write_bytes(b"lmgg" + name.encode() * 1000)
    (root / "files" / "page.bin").write_bytes(b"<!DOCTYPE html><html>Please sign in</html>")
    (root / "files" / "big.gguf").write_bytes(gguf(os.urandom(1 << 12) * 25))


def serve(root):
    log = open(root / "requests.log", "a", buffering=1)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status, body=b"", **headers):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def file(self, path):
            if not path.is_file():
                return self.answer(404)
            body = path.read_bytes()
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if not asked:
                return self.answer(200, body)
            begin, end = int(asked[1]), min(int(asked[2] or len(body)), len(body) - 1)
            self.answer(206, body[begin : end + 1], Content_Range=f"bytes {begin}-{end}/{len(body)}")

        def tree(self, commit, query):
            files = sorted(path for path in commit.rglob("*") if path.is_file())
            begin = int(re.search(r"cursor=(\d+)", query)[1]) if "cursor" in query else 0
            items = [{"type": "directory", "path": "vocab", "oid": "x", "size": 0}]
            for path in files[begin : begin + 2]:
                data = path.read_bytes()
                item = {"type": "file", "path": str(path.relative_to(commit)), "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                if len(data) >= LARGE and path.suffix != ".json":
                    item["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
                    item["securityFileStatus"] = {"status": "unsafe" if data.startswith(b"\x80") else "safe"}
                items.append(item)
            more = begin + 2 < len(files)
            next_page = f"http://{self.headers['Host']}{self.path.split('?')[0]}?cursor={begin + 2}"
            self.answer(200, json.dumps(items).encode(), **({"Link": f'<{next_page}>; rel="next"'} if more else {}))

        def do_GET(self):
            log.write(self.path + "\n")
            path, _, query = self.path.partition("?")
            parts = path.strip("/").split("/")
            if parts[0] == "files":
                return self.file(root / "files" / parts[1])
            if parts[0] == "cdn":
                return self.file(root / "hub" / "/".join(parts[1:]))
            if parts[:2] == ["api", "models"]:
                repository = root / "hub" / parts[2] / parts[3]
                if parts[2] == "gated":
                    return self.answer(401, b"who are you")
                if not repository.is_dir():
                    return self.answer(404)
                if parts[4] == "revision":
                    commit = (repository / "main").read_text() if parts[5] == "main" else parts[5]
                    return self.answer(200, json.dumps({"sha": commit, "cardData": {"license": "mit"}, "tags": []}).encode())
                return self.tree(repository / parts[5], query)
            if len(parts) > 3 and parts[2] == "resolve":
                repository = root / "hub" / parts[0] / parts[1]
                file = repository / parts[3] / "/".join(parts[4:])
                if file.is_file() and file.stat().st_size >= LARGE:
                    return self.answer(302, Location="/cdn/" + str(file.relative_to(root / "hub")))
                return self.file(file)
            self.answer(404)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    (root / "port.new").write_text(str(server.server_address[1]))
    (root / "port.new").rename(root / "port")
    server.serve_forever()


def pick(command, line):
    master, slave = pty.openpty()
    process = subprocess.Popen(command, stdin=slave, stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    seen = b""
    while b"all: " not in seen:
        seen += os.read(master, 4096)
    os.write(master, line.encode() + b"\n")
    out = process.stdout.read()
    time.sleep(0.1)
    print(seen.decode().replace("\r", "").split("Which")[0], end="")
    print(out.decode(), end="")
    sys.exit(process.wait())


if sys.argv[1] == "pick":
    pick(sys.argv[2:-1], sys.argv[-1])
directory = pathlib.Path(sys.argv[2])
{"make": lambda: make(directory), "serve": lambda: serve(directory)}[sys.argv[1]]()
