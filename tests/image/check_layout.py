"""Checks an OCI layout with nothing but Python's standard library.

    check_layout.py LAYOUT [--list] [--golden FILE] [--expect-layers N] [--rename OLD=NEW]... [--ignore REGEX] [--unordered]

LAYOUT is the directory of an OCI layout, or a tar archive of one as `oci_load` writes it. Every descriptor is followed
from index.json; size and sha256 of every blob and the diff_id of every layer are computed again; blobs that nothing
names are an error. --list prints one line of JSON for each entry of each layer; --golden compares these lines with a file.
Exit code 0, or 1 with one line for each thing that is wrong.
"""

import argparse
import difflib
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

LAYER = "application/vnd.oci.image.layer.v1.tar"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


class Wrong(Exception):
    """Something in the layout is not as it must be."""


class Directory:
    """Files of a layout directory."""

    def __init__(self, root):
        self.root = root

    def open(self, name):
        return open(os.path.join(self.root, name), "rb")

    def names(self):
        for directory, _, files in os.walk(self.root):
            for file in files:
                yield os.path.relpath(os.path.join(directory, file), self.root)


class Archive:
    """Files of a layout in a tar archive."""

    def __init__(self, path):
        self.tar = tarfile.open(path, "r:")
        self.members = {}
        for member in self.tar:
            if member.name in self.members:
                raise Wrong(f"{path}: {member.name}: got two entries, expected one")
            self.members[member.name] = member

    def open(self, name):
        if name not in self.members:
            raise Wrong(f"{name}: got nothing, expected a file")
        return self.tar.extractfile(self.members[name])

    def names(self):
        return [name for name, member in self.members.items() if member.isfile()]


def strict_json(text, where):
    def pairs(items):
        result = dict(items)
        if len(result) != len(items):
            raise Wrong(f"{where}: got a key twice, expected every key once")
        return result

    return json.loads(text, object_pairs_hook=pairs)


def expect(where, got, wanted):
    if got != wanted:
        raise Wrong(f"{where}: got {got}, expected {wanted}")


def blob_path(digest):
    algorithm, _, value = digest.partition(":")
    expect(f"{digest}: algorithm", algorithm, "sha256")
    expect(f"{digest}: digits", len(value), 64)
    return f"blobs/sha256/{value}"


class Hashing(io.RawIOBase):
    """A stream that hashes what is read from it."""

    def __init__(self, stream):
        super().__init__()
        self.stream = stream
        self.hash = hashlib.sha256()
        self.size = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self.stream.read(len(buffer))
        self.hash.update(data)
        self.size += len(data)
        buffer[: len(data)] = data
        return len(data)

    def drain(self):
        while self.read(1 << 20):
            pass

    def digest(self):
        return "sha256:" + self.hash.hexdigest()


def unzstd(stream):
    """A zstd stream, by the program: the library has no zstd in the versions that we run on."""
    if not shutil.which("zstd"):
        return None
    process = subprocess.Popen(["zstd", "-dc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, _ = process.communicate(stream.read())
    expect("zstd -dc", process.returncode, 0)
    return io.BytesIO(out)


class Checker:
    def __init__(self, source):
        self.source = source
        self.seen = {"oci-layout", "index.json"}
        self.lines = []

    def document(self, descriptor, media_type):
        path = blob_path(descriptor["digest"])
        self.seen.add(path)
        with self.source.open(path) as file:
            data = file.read()
        expect(f"{path}: size", len(data), descriptor["size"])
        expect(f"{path}: digest", "sha256:" + hashlib.sha256(data).hexdigest(), descriptor["digest"])
        expect(f"{path}: mediaType of the descriptor", descriptor["mediaType"], media_type)
        return strict_json(data, path)

    def layer(self, number, descriptor, diff_id):
        path = blob_path(descriptor["digest"])
        self.seen.add(path)
        with self.source.open(path) as file:
            raw = Hashing(file)
            if descriptor["mediaType"] == LAYER:
                inner = Hashing(raw)
            elif descriptor["mediaType"] == LAYER + "+gzip":
                inner = Hashing(gzip.GzipFile(fileobj=io.BufferedReader(raw)))
            elif descriptor["mediaType"] == LAYER + "+zstd":
                plain = unzstd(raw)
                inner = Hashing(plain) if plain else None
            else:
                raise Wrong(f"{path}: mediaType: got {descriptor['mediaType']}, expected a layer")
            if inner is None:
                print(f"note: {path}: zstd is not installed, so only its size and digest are checked", file=sys.stderr)
            else:
                self.entries(number, inner)
                inner.drain()
                expect(f"{path}: diff_id", inner.digest(), diff_id)
            raw.drain()
        expect(f"{path}: size", raw.size, descriptor["size"])
        expect(f"{path}: digest", raw.digest(), descriptor["digest"])

    def entries(self, number, stream):
        names = set()
        with tarfile.open(fileobj=io.BufferedReader(stream), mode="r|") as tar:
            for member in tar:
                if member.name in names:
                    raise Wrong(f"layer {number}: {member.name}: got two entries, expected one")
                names.add(member.name)
                self.lines.append(self.entry(number, tar, member))

    @staticmethod
    def entry(number, tar, member):
        types = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "hardlink"}
        line = {
            "layer": number,
            "name": member.name,
            "type": types.get(member.type, repr(member.type)),
            "mode": f"{member.mode:04o}",
            "owner": f"{member.uid}:{member.gid}",
            "mtime": int(member.mtime),
        }
        if member.uname or member.gname:
            line["names"] = f"{member.uname}:{member.gname}"
        if member.issym() or member.islnk():
            line["target"] = member.linkname
        if member.isfile():
            digest = hashlib.sha256()
            content = tar.extractfile(member)
            while data := content.read(1 << 20):
                digest.update(data)
            line["size"] = member.size
            line["sha256"] = digest.hexdigest()
        return line

    def manifest(self, descriptor):
        manifest = self.document(descriptor, MANIFEST)
        expect("manifest: schemaVersion", manifest["schemaVersion"], 2)
        expect("manifest: mediaType", manifest["mediaType"], MANIFEST)
        config = self.document(manifest["config"], CONFIG)
        diff_ids = config["rootfs"]["diff_ids"]
        expect("rootfs.type", config["rootfs"]["type"], "layers")
        expect("number of layers", len(manifest["layers"]), len(diff_ids))
        history = config["history"]
        expect("history entries with a layer", len([h for h in history if not h.get("empty_layer")]), len(diff_ids))
        expect("history entries without created", len([h for h in history if "created" not in h]), 0)
        for number, (layer, diff_id) in enumerate(zip(manifest["layers"], diff_ids)):
            self.layer(number, layer, diff_id)
        return manifest

    def docker(self, manifest):
        """Docker's manifest.json, where there is one, must say the same."""
        with self.source.open("manifest.json") as file:
            entries = strict_json(file.read(), "manifest.json")
        self.seen.add("manifest.json")
        expect("manifest.json: images", len(entries), 1)
        expect("manifest.json: Config", entries[0]["Config"], blob_path(manifest["config"]["digest"]))
        expect("manifest.json: Layers", entries[0]["Layers"], [blob_path(l["digest"]) for l in manifest["layers"]])

    def run(self):
        with self.source.open("oci-layout") as file:
            expect("oci-layout", strict_json(file.read(), "oci-layout"), {"imageLayoutVersion": "1.0.0"})
        with self.source.open("index.json") as file:
            index = strict_json(file.read(), "index.json")
        expect("index.json: schemaVersion", index["schemaVersion"], 2)
        expect("index.json: mediaType", index["mediaType"], INDEX)
        manifests = {descriptor["digest"]: descriptor for descriptor in index["manifests"]}
        if not manifests:
            raise Wrong("index.json: manifests: got none, expected at least one")
        for descriptor in manifests.values():
            manifest = self.manifest(descriptor)
        names = set(self.source.names())
        if "manifest.json" in names:
            self.docker(manifest)
        expect("files that nothing names", sorted(names - self.seen), [])
        return len(manifest["layers"])


def wanted_lines(lines, options):
    for line in lines:
        for pair in options.rename:
            old, _, new = pair.partition("=")
            line["name"] = line["name"].replace(old, new)
    if options.ignore:
        lines = [line for line in lines if not re.search(options.ignore, line["name"])]
    return sorted(lines, key=lambda line: (line["layer"], line["name"])) if options.unordered else lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layout")
    parser.add_argument("--list", action="store_true", help="print one line of JSON for each entry of each layer")
    parser.add_argument("--golden", help="file with the lines that --list must give")
    parser.add_argument("--rename", action="append", default=[], help="OLD=NEW: replace text in names before comparing")
    parser.add_argument("--ignore", help="leave out entries whose name matches this regular expression")
    parser.add_argument("--unordered", action="store_true", help="sort the lines before comparing")
    parser.add_argument("--expect-layers", type=int, help="number of layers that must be there")
    options = parser.parse_args()

    try:
        source = Directory(options.layout) if os.path.isdir(options.layout) else Archive(options.layout)
        checker = Checker(source)
        layers = checker.run()
        if options.expect_layers is not None:
            expect("layers", layers, options.expect_layers)
    except (Wrong, OSError, KeyError, ValueError, EOFError, tarfile.TarError) as error:
        print(f"error: {options.layout}: {error if isinstance(error, Wrong) else repr(error)}", file=sys.stderr)
        return 1

    lines = [json.dumps(line) + "\n" for line in wanted_lines(checker.lines, options)]
    if options.list:
        sys.stdout.writelines(lines)
    if options.golden:
        with open(options.golden, encoding="utf-8") as file:
            golden = file.readlines()
        difference = list(difflib.unified_diff(golden, lines, "golden", "layout"))
        if difference:
            sys.stderr.writelines(difference)
            print(f"error: {options.golden}: got other entries, expected those of the golden file", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
