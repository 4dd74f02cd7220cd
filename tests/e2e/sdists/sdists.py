"""Makes source archives and the lock that pins them.

    sdists.py DIR
"""

import hashlib
import io
import pathlib
import sys
import tarfile

CURIOUS = '''\
import os, pathlib, socket, time, zipfile, hashlib, base64

def build_wheel(directory, config_settings=None, metadata_directory=None):
    try:
        import flit_core
        module = "there"
    except ImportError:
        module = "absent"
    text = "\\n".join([
        "interfaces " + " ".join(name for _, name in socket.if_nameindex()),
        "flit_core " + module,
        "epoch " + os.environ["SOURCE_DATE_EPOCH"],
        "extra " + os.environ["EXTRA"],
        "answer " + config_settings["answer"],
        "",
    ])
    files = {
        "curious.txt": text,
        "curious-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: curious\\nVersion: 1.0\\n",
        "curious-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = ""
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data.encode()).digest()).decode().rstrip("=")
        record += f"{path},sha256={digest},{len(data)}\\n"
    files["curious-1.0.dist-info/RECORD"] = record + "curious-1.0.dist-info/RECORD,,\\n"
    name = "curious-1.0-py3-none-any.whl"
    # The time of the machine, to the second.
    with zipfile.ZipFile(pathlib.Path(directory) / name, "w") as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path, time.localtime()[:6]), data)
    return name
'''

SDISTS = {
    "tiny": {
        "pyproject.toml": '[build-system]\nrequires = ["flit_core >=3.2,<4"]\nbuild-backend = "flit_core.buildapi"\n'
                          '[project]\nname = "tiny"\nversion = "1.0"\ndescription = "A module"\nrequires-python = ">=3.8"\n',
        "tiny.py": 'ANSWER = 42\n',
        "PKG-INFO": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
    },
    "curious": {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": CURIOUS,
    },
    "broken": {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": 'def build_wheel(*args, **kwargs):\n    raise RuntimeError("no compiler for this")\n',
    },
}


def sdist(name, files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(f"{name}-1.0/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def main():
    root = pathlib.Path(sys.argv[1])
    lock = ('version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "app"\nversion = "1.0"\nsource = { virtual = "." }\n'
            "dependencies = [\n" + "".join(f'    {{ name = "{name}" }},\n' for name in SDISTS) + "]\n\n")
    for name, files in SDISTS.items():
        data = sdist(name, files)
        (root / f"{name}-1.0.tar.gz").write_bytes(data)
        lock += (f'[[package]]\nname = "{name}"\nversion = "1.0"\nsource = {{ path = "{name}-1.0.tar.gz" }}\n'
                 f'sdist = {{ hash = "sha256:{hashlib.sha256(data).hexdigest()}" }}\n\n')
    (root / "uv.lock").write_text(lock)


if __name__ == "__main__":
    main()
