"""Archives in DIR/files and their lock, DIR/workspace/demo.lock.json: a variant for two generations of an NPU, and cpu."""

import hashlib
import io
import json
import pathlib
import sys
import tarfile


def row(files, name, properties):
    script, out = f"#!/bin/sh\necho {name}\n".encode(), io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo("bin/demo")
        info.size, info.mode = len(script), 0o755
        tar.addfile(info, io.BytesIO(script))
    path = files / f"{name}.tar.gz"
    path.write_bytes(out.getvalue())
    return {"name": name, "platform": "linux-x86_64", "format": "tar.gz", "urls": [path.as_uri()], "size": len(out.getvalue()),
            "sha256": hashlib.sha256(out.getvalue()).hexdigest(), "properties": properties}


def npu(*generations):
    return {"accelerator": "npu", "properties": [{"namespace": "npu", "feature": "generation", "values": list(generations)}]}


root = pathlib.Path(sys.argv[1]).resolve()
(root / "files").mkdir()
rows = [row(root / "files", "cpu", {}), row(root / "files", "npu-gen3", npu("3")), row(root / "files", "npu-gen1", npu("1"))]
lock = {"lock_version": 1, "artifact": "demo", "version": "1.0", "variants": rows}
(root / "workspace" / "demo.lock.json").write_text(json.dumps(lock, indent=1, sort_keys=True) + "\n")
