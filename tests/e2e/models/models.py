"""Makes the models of the test and their lock, and serves them on a free port of loopback.

    models.py make DIR           files in DIR/files
    models.py lock DIR PORT      DIR/workspace/models.lock.json
    models.py artifact LAYOUT    reads an OCI layout as a registry would, and prints what is in it
    models.py serve DIR          writes the port to DIR/port, every request to DIR/requests.log
"""

import base64
import hashlib
import http.server
import json
import pathlib
import sys

# (model, variant, min_memory_bytes): (path, format, bytes) of its files.
MODELS = {
    ("broken", "", 0): [("broken.bin", "ggml", b"lmgg broken")],
    ("pickled", "", 0): [("model.pt", "pickle", b"\x80\x02}q\0.")],
    ("whisper", "f16", 4000): [("sub/ggml-base.bin", "ggml", b"lmgg f16"), ("config.json", "json", b"{}")],
    ("whisper", "q5_1", 2000): [("ggml-base-q5_1.bin", "ggml", b"lmgg q5_1")],
    **{(f"m{i}", "", 0): [("model.bin", "ggml", b"lmgg %d" % i)] for i in range(10)},
    ("gated", "", 0): [("model.bin", "ggml", b"lmgg gated")],
    **{(f"many{i}", "", 0): [("model.bin", "ggml", b"lmgg many %d" % i)] for i in range(398)},
}


def name_of(name, variant, path):
    return "-".join([name, variant, path.replace("/", "-")])


def make(root):
    (root / "files").mkdir(parents=True)
    for (name, variant, _), files in MODELS.items():
        for path, _, data in files:
            (root / "files" / name_of(name, variant, path)).write_bytes(data)


def lock(root, port):
    rows = []
    for (name, variant, memory), files in MODELS.items():
        row = {"name": name, "files": []}
        if variant:
            row["variant"] = variant
        if memory:
            row["min_memory_bytes"] = memory
        for path, kind, data in sorted(files):
            sha256 = hashlib.sha256(b"other" if name == "broken" else data).hexdigest()
            url = f"http://127.0.0.1:{port}/{name_of(name, variant, path)}"
            row["files"].append({"path": path, "format": kind, "size": len(data), "sha256": sha256, "urls": [url]})
        rows.append(row)
    (root / "workspace" / "models.lock.json").write_text(json.dumps({"lock_version": 1, "models": rows}, indent=1))


def artifact(layout):
    def blob(descriptor):
        data = (layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
        assert "sha256:" + hashlib.sha256(data).hexdigest() == descriptor["digest"], descriptor
        assert len(data) == descriptor["size"], descriptor
        return data

    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads(blob(entry))
    assert manifest["artifactType"] == entry["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    assert manifest["config"]["mediaType"] == "application/vnd.cncf.model.config.v1+json"
    config = json.loads(blob(manifest["config"]))
    assert config["modelfs"] == {"type": "layers", "diffIds": [layer["digest"] for layer in manifest["layers"]]}, config
    assert len(list((layout / "blobs/sha256").iterdir())) == len(manifest["layers"]) + 2
    files = [
        " ".join([layer["annotations"]["org.cncf.model.filepath"], layer["mediaType"].removeprefix("application/vnd.cncf.model."), blob(layer).decode()])
        for layer in manifest["layers"]
    ]
    print(f"{config['descriptor']['name']} {config['descriptor']['version']}: {', '.join(files)}")


def serve(root):
    log = open(root / "requests.log", "a", buffering=1)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            log.write(self.path[1:] + "\n")
            file = root / "files" / self.path[1:]
            if self.path.startswith("/gated-") and self.headers.get("Authorization") != "Basic " + base64.b64encode(b"me:s3cret").decode():
                return self.send_error(401)
            if not file.exists():
                return self.send_error(404)
            body = file.read_bytes()
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


directory = pathlib.Path(sys.argv[2])
{
    "artifact": lambda: artifact(directory),
    "lock": lambda: lock(directory, sys.argv[3]),
    "make": lambda: make(directory),
    "serve": lambda: serve(directory),
}[sys.argv[1]]()
