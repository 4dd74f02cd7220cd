"""Canonical listings of file trees, one line per entry: path, kind, sha256 or link target.

    tree.py scan DIRECTORY                    what is on disk
    tree.py tar FILE                          what Python's tarfile sees in a layer
    tree.py wheels PREFIX WHEEL...            what the wheels should become below PREFIX
    tree.py files PREFIX DIRECTORY            what a directory of plain files should become below PREFIX

Kinds: `dir`, `file`, `exec` (a file with an execute bit), `link`. Python's own zipfile and tarfile read the archives, so
that nothing of the code under test takes part.
"""

import hashlib
import os
import pathlib
import stat
import sys
import tarfile
import zipfile


def sha256(stream):
    digest = hashlib.sha256()
    for chunk in iter(lambda: stream.read(1 << 20), b""):
        digest.update(chunk)
    return digest.hexdigest()


def kind_of(mode):
    return "exec" if mode & 0o111 else "file"


def scan(root):
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                yield os.path.relpath(path, root), "link", os.readlink(path)
            elif stat.S_ISDIR(mode):
                yield os.path.relpath(path, root), "dir", "-"
            else:
                with open(path, "rb") as file:
                    yield os.path.relpath(path, root), kind_of(mode), sha256(file)


def tar(path):
    with tarfile.open(path) as archive:
        for member in archive:
            name = member.name.rstrip("/")
            if member.isdir():
                yield name, "dir", "-"
            elif member.issym():
                yield name, "link", member.linkname
            else:
                yield name, kind_of(member.mode), sha256(archive.extractfile(member))


def with_parents(entries):
    seen = set()
    for path, kind, content in entries:
        for parent in list(pathlib.PurePosixPath(path).parents)[:-1]:
            if str(parent) not in seen:
                seen.add(str(parent))
                yield str(parent), "dir", "-"
        yield path, kind, content


def install_path(name):
    """Where a file of a wheel belongs below the prefix; `NAME.data/SCHEME/...` is relocated as `pip --target` does."""
    top, _, rest = name.partition("/")
    if not top.endswith(".data"):
        return name, False
    scheme, _, rest = rest.partition("/")
    package = top.partition("-")[0]
    folder = {"purelib": "", "platlib": "", "data": "", "scripts": "bin/", "headers": f"include/{package}/"}[scheme]
    return folder + rest, scheme == "scripts"


def wheels(prefix, paths):
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    if not info.filename.partition("/")[0].endswith(".data"):
                        yield f"{prefix}/{info.filename.rstrip('/')}", "dir", "-"
                    continue
                target, is_script = install_path(info.filename)
                executable = is_script or info.external_attr >> 16 & 0o100
                with archive.open(info) as file:
                    yield f"{prefix}/{target}", "exec" if executable else "file", sha256(file)


def files(prefix, root):
    for path, kind, content in scan(root):
        if "__pycache__" not in path:
            yield os.path.join(prefix, path), kind, content


def main(command, *arguments):
    entries = {
        "scan": lambda: scan(arguments[0]),
        "tar": lambda: tar(arguments[0]),
        "wheels": lambda: with_parents(wheels(arguments[0], arguments[1:])),
        "files": lambda: with_parents(files(arguments[0], arguments[1])),
    }[command]()
    for entry in sorted(set(entries)):
        print("\t".join(entry))


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="surrogateescape")
    main(*sys.argv[1:])
