"""Unpacks the parts of the wheel `ziglang` that one of the targets needs: a quarter of its files.

Usage: unpack_zig.py WHEEL FOLDER NAME..., where a name is a file, or a folder with a slash at its end.
"""

import os
import sys
import zipfile


def main(wheel, folder, *names):
    missing = set(names)
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            found = [name for name in names if info.filename == name or name[-1] == "/" and info.filename.startswith(name)]
            if found:
                missing.difference_update(found)
                os.chmod(archive.extract(info, folder), 0o755 if info.external_attr >> 16 & 0o100 else 0o644)
    if missing:
        sys.exit(f"no {', '.join(sorted(missing))} in {os.path.basename(wheel)}")


main(*sys.argv[1:])
