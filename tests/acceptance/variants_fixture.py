"""Archives, locks and hosts of install.sh, and a server on a free port of loopback that does what its paths say.

    variants_fixture.py make DIR           archives in DIR/files, descriptors in DIR/hosts
    variants_fixture.py lock DIR PORT      locks in DIR/locks
    variants_fixture.py serve DIR          writes the port to DIR/port, every request to DIR/requests.log

A path is /<behaviour>/<file>: ok, 404, 410, 500, truncated, html, redirect, reset, other (bytes of another file).
"""

import hashlib
import http.server
import json
import pathlib
import socket
import struct
import sys
import tarfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e" / "variants"))
import archives  # noqa: E402

BEHAVIOURS = ["404", "410", "500", "truncated", "html", "redirect", "reset", "other"]
# Names of the chain, best first, with what they need.
CHAIN = {
    "cuda-cudnn-sm90": archives.cuda(90, cudnn=True),
    "cuda-sm90": archives.cuda(90),
    "cuda-sm86": archives.cuda(86),
    "cuda-sm75": archives.cuda(75, ptx=True),
    "cpu": {},
}
HOSTILE = {
    "dotdot": ("../escaped", b"x", tarfile.REGTYPE, ""),
    "absolute": ("/etc/escaped", b"x", tarfile.REGTYPE, ""),
    "link": ("demo-link/lib/out", b"", tarfile.SYMTYPE, "../../../outside"),
}
# name: (devices, driver, newest CUDA of the driver)
HOSTS = {
    "none": ([], "", ""),
    "v70": (["7.0"], "580.95.05", "13.0"),
    "v75": (["7.5"], "580.95.05", "13.0"),
    "v80": (["8.0"], "580.95.05", "13.0"),
    "v86": (["8.6"], "580.95.05", "13.0"),
    "v89": (["8.9"], "580.95.05", "13.0"),
    "v90": (["9.0"], "580.95.05", "13.0"),
    "v100": (["10.0"], "580.95.05", "13.0"),
    "v86_v90": (["8.6", "9.0"], "580.95.05", "13.0"),
    "v80_v86": (["8.0", "8.6"], "580.95.05", "13.0"),
    "old_driver": (["9.0"], "520.61.05", "11.8"),
    "driver_12_4": (["9.0"], "550.54.14", "12.4"),
    "driver_12_4_v80": (["8.0"], "550.54.14", "12.4"),
}


def make(root):
    files, hosts = root / "files", root / "hosts"
    files.mkdir(parents=True)
    hosts.mkdir()
    for version in [1, 2, 3]:
        (files / f"cpu-{version}").write_bytes(archives.tar_bytes(f"cpu-{version}", "w:gz"))
    for name in CHAIN:
        (files / name).write_bytes(archives.tar_bytes(name, "w:gz"))
    for name, entry in HOSTILE.items():
        (files / name).write_bytes(archives.tar_bytes(name, "w:gz", [entry]))
    for name, (devices, driver, api) in HOSTS.items():
        host = {"descriptor_version": 1, "platform": "linux-x86_64", "cpu_level": "x86-64-v3", "libc": "glibc-2.36",
                "devices": [{"compute_capability": device} for device in devices], "driver": driver, "driver_api": api}
        (hosts / f"{name}.json").write_text(json.dumps(host))
    (hosts / "aarch64.json").write_text(json.dumps({"descriptor_version": 1, "platform": "linux-aarch64"}))


def lock(root, port):
    files, out, base = root / "files", root / "locks", f"http://127.0.0.1:{port}"
    out.mkdir()

    def write(name, version, rows):
        text = json.loads(archives.lock_of(rows))
        text["version"] = version
        (out / f"{name}.json").write_text(json.dumps(text))

    def row(name, properties, how="ok", file=None):
        made = archives.row(files, base, name, file or name, "tar.gz", properties)
        made["urls"] = [f"{base}/{how}/{file or name}"]
        made["strip_prefix"] = f"demo-{file or name}"
        return made

    for version in [1, 2, 3]:
        write(f"v{version}", f"{version}.0", [row("cpu", {}, file=f"cpu-{version}")])
    # One version, another name: to switch by variant.
    write("named", "1.0", [row("plain", {}, file="cpu-3")])
    write("chain", "1.0", [row(name, needs) for name, needs in CHAIN.items()])
    for how in BEHAVIOURS:
        write(f"bad_{how}", "2.0", [row("cuda-sm86", archives.cuda(86), how), row("cpu", {}, file="cpu-2")])
    changed = row("cuda-sm86", archives.cuda(86))
    changed["sha256"] = hashlib.sha256(b"another").hexdigest()
    write("bad_digest", "2.0", [changed, row("cpu", {}, file="cpu-2")])
    for name in HOSTILE:
        item = row(name, archives.cuda(86))
        item["strip_prefix"] = "demo-link" if name == "link" else ""
        write(f"hostile_{name}", "2.0", [item, row("cpu", {}, file="cpu-2")])
    write("all_absent", "2.0", [row(name, needs, "404" if i % 2 else "410") for i, (name, needs) in enumerate(CHAIN.items())])
    # Edges of the chain: the first rows are absent on the server.
    for count in range(1, len(CHAIN) + 1):
        rows = [row(name, needs, "404" if i < count else "ok") for i, (name, needs) in enumerate(CHAIN.items())]
        write(f"absent_{count}", "1.0", rows)
        # And wrong: nothing may come of it.
        rows = [row(name, needs, "404" if i < count - 1 else "other" if i == count - 1 else "ok") for i, (name, needs) in enumerate(CHAIN.items())]
        write(f"wrong_{count}", "1.0", rows)


def serve(root):
    files, log = root / "files", open(root / "requests.log", "a", buffering=1)

    class Handler(http.server.BaseHTTPRequestHandler):
        def reply(self, body, announced=None):
            self.send_response(200)
            self.send_header("Content-Length", str(announced or len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            log.write(self.path + "\n")
            _, how, name = self.path.split("/")
            body = (files / name).read_bytes()
            if how == "ok":
                self.reply(body)
            elif how == "truncated":
                self.reply(body[:50], len(body))
                self.close_connection = True
            elif how == "html":
                self.reply(archives.PAGE)
            elif how == "other":
                self.reply(bytes(len(body)))
            elif how == "redirect":
                self.send_response(302)
                self.send_header("Location", f"file://{files}/{name}")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif how == "reset":
                # With no time to linger, close() sends a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
            else:
                self.send_error(int(how))

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 64
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    (root / "port.new").write_text(str(server.server_address[1]))
    (root / "port.new").rename(root / "port")
    server.serve_forever()


if __name__ == "__main__":
    directory = pathlib.Path(sys.argv[2])
    {"make": lambda: make(directory), "lock": lambda: lock(directory, sys.argv[3]), "serve": lambda: serve(directory)}[sys.argv[1]]()
