"""Builds the archives of the test and their lock; serves them, and what servers do wrong, on a free port of loopback.

    archives.py make DIR           archives in DIR/files
    archives.py lock DIR PORT      locks in DIR/workspace
    archives.py serve DIR          writes the port to DIR/port, every request to DIR/requests.log
"""

import hashlib
import http.server
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

PAGE = b"<!DOCTYPE html><html><body>Please sign in</body></html>"


def script(name):
    return f"#!/bin/sh\necho {name} \"$@\"\n".encode()


def tar_bytes(name, mode, extra=()):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=tarfile.PAX_FORMAT) as tar:
        for path, data, kind, link in [
            (f"demo-{name}/bin/demo", script(name), tarfile.REGTYPE, ""),
            (f"demo-{name}/lib/libdemo.so.1", b"library of " + name.encode(), tarfile.REGTYPE, ""),
            (f"demo-{name}/lib/libdemo.so", b"", tarfile.SYMTYPE, "libdemo.so.1"),
            *extra,
        ]:
            info = tarfile.TarInfo(path)
            info.type, info.linkname, info.size = kind, link, len(data)
            info.mode = 0o755 if path.endswith("/demo") else 0o644
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_bytes(name):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for path, data, mode in [(f"demo-{name}/bin/demo", script(name), 0o755), (f"demo-{name}/lib/libdemo.so.1", b"library", 0o644)]:
            info = zipfile.ZipInfo(path)
            info.external_attr = (0o100000 | mode) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            z.writestr(info, data)
    return out.getvalue()


def make(root):
    files = root / "files"
    files.mkdir(parents=True, exist_ok=True)
    (files / "cpu.tar.gz").write_bytes(tar_bytes("cpu", "w:gz"))
    (files / "cuda-sm75.tar.xz").write_bytes(tar_bytes("cuda-sm75", "w:xz"))
    (files / "cuda-sm86.zip").write_bytes(zip_bytes("cuda-sm86"))
    whole = tar_bytes("cuda-cudnn-sm90", "w:gz")
    (files / "cuda-cudnn-sm90.part0").write_bytes(whole[:100])
    (files / "cuda-cudnn-sm90.part1").write_bytes(whole[100:])
    if shutil.which("zstd"):
        plain = tar_bytes("zstandard", "w:")
        (files / "zstandard.tar.zst").write_bytes(subprocess.run(["zstd", "-q", "-c"], input=plain, capture_output=True, check=True).stdout)
    (files / "page.html").write_bytes(PAGE)
    hostile = {
        "dotdot": ("../escaped", b"x", tarfile.REGTYPE, ""),
        "absolute": ("/etc/escaped", b"x", tarfile.REGTYPE, ""),
        "link": ("demo-link/lib/out", b"", tarfile.SYMTYPE, "../../../outside"),
    }
    for name, entry in hostile.items():
        (files / f"{name}.tar.gz").write_bytes(tar_bytes(name, "w:gz", [entry]))


def pinned(path):
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def row(files, base, name, file, form, properties, platform="linux-x86_64"):
    return {"name": name, "platform": platform, "format": form, "urls": [f"{base}/{file}"], "strip_prefix": f"demo-{name}",
            "properties": properties, **pinned(files / file)}


def cuda(sm, ptx=False, cudnn=False):
    out = {"accelerator": "cuda", "cuda": "12.8", "cubins": [f"sm_{sm}"]}
    if ptx:
        out["ptx"] = [{"arch": f"compute_{sm}", "toolkit": "12.8"}]
    if cudnn:
        out["cudnn"] = "9"
    return out


def lock_of(rows, artifact="demo"):
    return json.dumps({"lock_version": 1, "artifact": artifact, "version": "1.0.0", "variants": rows}, indent=1, sort_keys=True) + "\n"


def lock(root, port):
    files, out, base = root / "files", root / "workspace", f"http://127.0.0.1:{port}"
    whole = (files / "cuda-cudnn-sm90.part0").read_bytes() + (files / "cuda-cudnn-sm90.part1").read_bytes()
    sm90 = {"name": "cuda-cudnn-sm90", "platform": "linux-x86_64", "format": "tar.gz", "strip_prefix": "demo-cuda-cudnn-sm90",
            "sha256": hashlib.sha256(whole).hexdigest(), "size": len(whole), "properties": cuda(90, cudnn=True),
            "parts": [{"urls": [f"{base}/cuda-cudnn-sm90.part{i}"], **pinned(files / f"cuda-cudnn-sm90.part{i}")} for i in range(2)]}
    absent = {"name": "cuda-cudnn-sm80", "platform": "linux-x86_64", "not_available": "the release does not build it",
              "properties": cuda(80, cudnn=True)}
    cpu = row(files, base, "cpu", "cpu.tar.gz", "tar.gz", {})
    rows = [cpu, row(files, base, "cuda-sm75", "cuda-sm75.tar.xz", "tar.xz", cuda(75, ptx=True)),
            row(files, base, "cuda-sm86", "cuda-sm86.zip", "zip", cuda(86)), absent, sm90]
    (out / "demo.lock.json").write_text(lock_of(rows))
    # Declared archives of which the server has something else. None of them may fall back to the good cpu row.
    # A hash of its own for each: Bazel has the good archive in its cache by now.
    broken = [dict(cpu, name=name, urls=[f"{base}/{name}"], sha256=hashlib.sha256(name.encode()).hexdigest(), properties=cuda(75, ptx=True))
              for name in ["gone", "truncated", "redirect", "html"]]
    # From a folder, because Bazel looks at nothing that comes over plain http with another hash.
    broken += [dict(cpu, name=name, urls=[f"file://{files}/{file}"], sha256="0" * 64, properties=cuda(75, ptx=True))
               for name, file in [("changed", "cpu.tar.gz"), ("page", "page.html")]]
    broken += [row(files, base, name, f"{name}.tar.gz", "tar.gz", cuda(75, ptx=True)) for name in ["dotdot", "absolute", "link"]]
    for item in broken:
        if item["name"] in ["dotdot", "absolute"]:
            item["strip_prefix"] = ""
    if (files / "zstandard.tar.zst").exists():
        broken.append(row(files, base, "zstandard", "zstandard.tar.zst", "tar.zst", cuda(75, ptx=True)))
    (out / "broken.lock.json").write_text(lock_of(broken + [cpu], "broken"))
    many = [dict(cpu, name=f"cuda-sm75-{i}", urls=[f"{base}/many-{i}"], properties=cuda(75)) for i in range(199)] + [cpu]
    (out / "many.lock.json").write_text(lock_of(many, "many"))


def serve(root):
    files, log = root / "files", open(root / "requests.log", "a", buffering=1)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.lstrip("/")
            log.write(name + "\n")
            if name == "html":
                body = PAGE
            elif name == "redirect":
                self.send_response(302)
                self.send_header("Location", "ftp://127.0.0.1/cpu.tar.gz")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            elif name == "truncated":
                body = (files / "cpu.tar.gz").read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[:50])
                self.close_connection = True
                return
            elif (files / name).is_file():
                body = (files / name).read_bytes()
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    (root / "port.new").write_text(str(server.server_address[1]))
    (root / "port.new").rename(root / "port")
    server.serve_forever()


if __name__ == "__main__":
    directory = pathlib.Path(sys.argv[2])
    {"make": lambda: make(directory), "lock": lambda: lock(directory, sys.argv[3]), "serve": lambda: serve(directory)}[sys.argv[1]]()
