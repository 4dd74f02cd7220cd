"""Tells the file name of a wheel from its own metadata.

    wheel_name.py [--rename ORDER] FILE

Prints JSON: the sha256 of FILE and its name with platform tags in two orders: "sorted", and as "listed" in the metadata.
With --rename the file gets the name of that order, in its folder.
"""

import email.parser
import hashlib
import json
import os
import sys
import zipfile


def names(path):
    with zipfile.ZipFile(path) as archive:
        found = [n for n in archive.namelist() if n.count("/") == 1 and n.endswith(".dist-info/WHEEL")]
        if len(found) != 1:
            raise ValueError(f"got {len(found)} files *.dist-info/WHEEL, expected 1")
        metadata = email.parser.Parser().parsestr(archive.read(found[0]).decode())
    stem = found[0].partition("/")[0][: -len(".dist-info")]
    if metadata["Build"]:
        stem += "-" + metadata["Build"].strip()
    tags = [tag.strip().split("-") for tag in metadata.get_all("Tag", [])]
    if not tags or any(len(tag) != 3 for tag in tags):
        raise ValueError("got no usable Tag in WHEEL, expected python-abi-platform")
    columns = [list(dict.fromkeys(".".join(column).split("."))) for column in zip(*tags)]
    return {
        "listed": stem + "-" + "-".join(".".join(column) for column in columns) + ".whl",
        "sorted": stem + "-" + "-".join(".".join(sorted(column)) for column in columns) + ".whl",
    }


def main(arguments):
    path = arguments[-1]
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            digest.update(chunk)
    answer = {"sha256": digest.hexdigest()} | names(path)
    if arguments[0] == "--rename":
        os.rename(path, os.path.join(os.path.dirname(path), answer[arguments[1]]))
    print(json.dumps(answer))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        sys.exit(f"{os.path.basename(sys.argv[-1])}: {error}")
