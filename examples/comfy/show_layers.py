"""Prints the layers of an OCI layout, bottom first: show_layers.py bazel-bin/examples/comfy/image > layers.txt"""

import json
import pathlib
import sys


def main(layout):
    def document(descriptor):
        return json.loads(pathlib.Path(layout, "blobs", descriptor["digest"].replace(":", "/")).read_text())

    manifest = document(json.loads(pathlib.Path(layout, "index.json").read_text())["manifests"][0])
    history = [entry["created_by"] for entry in document(manifest["config"])["history"]]
    sizes = [layer["size"] for layer in manifest["layers"]]
    print(f"{'':2}  {'layer':44}{'MB':>8}")
    for number, (name, size) in enumerate(zip(history, sizes), 1):
        print(f"{number:2}  {name:44}{size / 1e6:8.1f}")
    print(f"{'':2}  {'sum':44}{sum(sizes) / 1e6:8.1f}")


if __name__ == "__main__":
    main(sys.argv[1])
