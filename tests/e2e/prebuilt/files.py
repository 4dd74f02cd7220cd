"""Makes what the workspace pins, beside the set of plugins; serves all of it on a free port of loopback.

    files.py make DIR            a wheel and an archive in DIR/files
    files.py lock DIR PORT       locks in DIR/workspace; that of the plugins is the one in DIR/files
    files.py change DIR JSON     fields of the lock of plugins in DIR/workspace, then of its row
    files.py serve DIR           writes the port to DIR/port, every request to DIR/requests.log
"""

import base64
import functools
import hashlib
import http.server
import io
import json
import pathlib
import sys
import tarfile
import zipfile

WHEEL = "alpha-1.0-py3-none-any.whl"
PLUGINS_LOCK = "plugins_here.variants.lock.json"


def wheel_bytes():
    info = "alpha-1.0.dist-info"
    files = {
        "alpha/__init__.py": "VERSION = '1.0'\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for path, text in files.items():
            z.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), text)
    return out.getvalue()


def archive_bytes(path, text):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo(path)
        info.size, info.mode = len(text), 0o755
        tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def pinned(path):
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def make(root):
    files = root / "files"
    (files / WHEEL).write_bytes(wheel_bytes())
    for name in ["cpu", "npu"]:
        (files / f"{name}.tar.gz").write_bytes(archive_bytes("bin/demo", f"#!/bin/sh\necho {name} \"$@\"\n"))
    (files / "half.tar.gz").write_bytes(archive_bytes("bin/inferctl", "#!/bin/sh\n"))


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")


def plugins_lock(root, port):
    lock = json.loads((root / "files" / PLUGINS_LOCK).read_text())
    lock["url_template"] = f"http://127.0.0.1:{port}/" + lock["url_template"].rpartition("/")[2]
    return lock


def lock(root, port):
    files, out, base = root / "files", root / "workspace", f"http://127.0.0.1:{port}"
    wheel = pinned(files / WHEEL)
    (out / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "test"\n\n[[packages]]\nname = "alpha"\nversion = "1.0"\n\n[[packages.wheels]]\n'
        f'url = "{base}/{WHEEL}"\nsize = {wheel["size"]}\nhashes = {{ sha256 = "{wheel["sha256"]}" }}\n')
    wants = {"cpu": {}, "npu": {"accelerator": "npu", "properties": [{"namespace": "npu", "feature": "generation", "values": ["3"]}]}}
    write_json(out / "demo.lock.json", {
        "artifact": "demo", "lock_version": 1, "version": "1.0",
        "variants": [{"name": name, "platform": "linux-x86_64", "format": "tar.gz", "urls": [f"{base}/{name}.tar.gz"], "properties": want,
                      **pinned(files / f"{name}.tar.gz")} for name, want in wants.items()],
    })
    write_json(out / "rules_inference.lock.json", plugins_lock(root, port))


def change(root, text):
    wanted = json.loads(text)
    lock_of_plugins = plugins_lock(root, (root / "port").read_text())
    row = wanted.pop("row", {})
    if "file" in row:
        file = row.pop("file")
        row |= {"urls": [f"http://127.0.0.1:{(root / 'port').read_text()}/{file}"], **pinned(root / "files" / file)}
    lock_of_plugins["variants"][0] |= row
    write_json(root / "workspace/rules_inference.lock.json", lock_of_plugins | wanted)


class Handler(http.server.SimpleHTTPRequestHandler):
    log = None

    def do_GET(self):
        self.log.write(self.path.lstrip("/") + "\n")
        super().do_GET()

    def log_message(self, *_):
        pass


def serve(root):
    Handler.log = open(root / "requests.log", "a", buffering=1)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=root / "files"))
    (root / "port.new").write_text(str(server.server_address[1]))
    (root / "port.new").rename(root / "port")
    server.serve_forever()


if __name__ == "__main__":
    directory = pathlib.Path(sys.argv[2])
    {"make": lambda: make(directory), "lock": lambda: lock(directory, sys.argv[3]),
     "change": lambda: change(directory, sys.argv[3]), "serve": lambda: serve(directory)}[sys.argv[1]]()
