"""Builds small wheels and the locks that pin them; serves them on a free port of loopback.

    wheels.py make DIR           wheels in DIR/files
    wheels.py lock DIR PORT      locks in DIR/workspace
    wheels.py serve DIR          writes the port to DIR/port, every request to DIR/requests.log
"""

import base64
import hashlib
import http.server
import io
import pathlib
import sys
import zipfile

# Package and version -> tags of its wheels.
WHEELS = {
    ("alpha", "1.0"): [
        "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "cp311-cp311-manylinux_2_99_x86_64",
        "cp311-cp311-musllinux_1_2_x86_64",
        "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "py3-none-any",
    ],
    ("beta", "1.0"): ["py3-none-any"],
    ("beta", "2.0"): ["py3-none-any"],
    ("delta", "1.0"): ["py3-none-any"],
    ("gamma", "1.0"): ["py3-none-any"],
    ("kernels", "1.0"): ["py3-none-any"],
    ("local", "1.0"): ["py3-none-any"],
    ("net", "1.0+cpu"): ["py3-none-any"],
    ("net", "1.0+cu"): ["py3-none-any"],
    ("wrong", "1.0"): ["py3-none-any"],
    ("zeta", "1.0"): ["py3-none-any"],
}


def wheel_bytes(name, version, tag):
    info = f"{name}-{version}.dist-info"
    pure = "true" if tag.endswith("-any") else "false"
    python, abi, platforms = tag.split("-")
    tags = "".join(f"Tag: {python}-{abi}-{platform}\n" for platform in platforms.split("."))
    files = {
        f"{name}/__init__.py": f"VERSION = {version!r}\nTAG = {tag!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {pure}\n{tags}",
    }
    if name == "gamma":
        # What an environment has to do more than a directory on PYTHONPATH.
        files["gamma.pth"] = "import sys; sys.gamma_pth = True\n"
        files["gamma/BUILD.bazel"] = "not a package of Bazel\n"
        files[f"{info}/entry_points.txt"] = "[console_scripts]\ngamma-version = gamma:main\n"
        files["gamma/__init__.py"] += "def main():\n    print(VERSION)\n"
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


def make(root):
    files = root / "files"
    files.mkdir(parents=True, exist_ok=True)
    for (name, version), tags in WHEELS.items():
        for tag in tags:
            (files / f"{name}-{version}-{tag}.whl").write_bytes(wheel_bytes(name, version, tag))


def wheels_of(files, name, version):
    out = []
    for tag in WHEELS[name, version]:
        data = (files / f"{name}-{version}-{tag}.whl").read_bytes()
        digest = hashlib.sha256(data).hexdigest() if name != "wrong" else "0" * 64
        out.append((f"{name}-{version}-{tag}.whl", digest, len(data)))
    return out


def uv_lock(files, base):
    registry = f'{{ registry = "{base}/simple" }}'

    def package(name, version, more=""):
        rows = "".join(f'    {{ url = "{base}/{file}", hash = "sha256:{digest}", size = {size} }},\n' for file, digest, size in wheels_of(files, name, version))
        return f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {registry}\n{more}wheels = [\n{rows}]\n\n'

    both = "extra == 'extra-3-app-cpu' and extra == 'extra-3-app-cu'"
    return f"""version = 1
revision = 3
requires-python = ">=3.11"
resolution-markers = [
    "python_full_version >= '3.12'",
    "python_full_version < '3.12'",
]
conflicts = [[
    {{ package = "app", extra = "cpu" }},
    {{ package = "app", extra = "cu" }},
]]

[[package]]
name = "app"
version = "1.0"
source = {{ virtual = "." }}
dependencies = [
    {{ name = "alpha" }},
    {{ name = "beta", version = "1.0", source = {registry}, marker = "python_full_version < '3.12'" }},
    {{ name = "beta", version = "2.0", source = {registry}, marker = "python_full_version >= '3.12'" }},
    {{ name = "delta", extra = ["fast"] }},
    {{ name = "gone" }},
    {{ name = "omega" }},
    {{ name = "wrong" }},
]

[package.optional-dependencies]
cpu = [
    {{ name = "net", version = "1.0+cpu", source = {registry} }},
]
cu = [
    {{ name = "net", version = "1.0+cu", source = {registry} }},
]

""" + "".join([
        package("alpha", "1.0", f'sdist = {{ url = "{base}/alpha-1.0.tar.gz", hash = "sha256:{"1" * 64}" }}\n'),
        package("beta", "1.0"),
        package("beta", "2.0"),
        package("delta", "1.0", 'dependencies = [\n    { name = "gamma" },\n]\n'),
        '[package.optional-dependencies]\nfast = [\n    { name = "zeta" },\n]\n\n',
        package("gamma", "1.0", 'dependencies = [\n    { name = "delta" },\n]\n'),
        f'[[package]]\nname = "gone"\nversion = "1.0"\nsource = {registry}\n',
        f'wheels = [\n    {{ url = "{base}/gone-1.0-py3-none-any.whl", hash = "sha256:{"2" * 64}" }},\n]\n\n',
        package("kernels", "1.0"),
        package("net", "1.0+cpu"),
        package("net", "1.0+cu", f'dependencies = [\n    {{ name = "kernels", marker = "(sys_platform == \'linux\' and extra == \'extra-3-app-cu\') or ({both})" }},\n]\n'),
        f'[[package]]\nname = "omega"\nversion = "1.0"\nsource = {registry}\n',
        f'sdist = {{ url = "{base}/omega-1.0.tar.gz", hash = "sha256:{"3" * 64}" }}\n\n',
        package("wrong", "1.0"),
        package("zeta", "1.0"),
    ])


def pylock(files, base):
    def package(name, version, more=""):
        rows = "".join(f'{{ url = "{base}/{file}", size = {size}, hashes = {{ sha256 = "{digest}" }} }},\n' for file, digest, size in wheels_of(files, name, version))
        return f'[[packages]]\nname = "{name}"\nversion = "{version}"\n{more}wheels = [\n{rows}]\n\n'

    ((file, digest, _),) = wheels_of(files, "local", "1.0")
    return 'lock-version = "1.0"\nrequires-python = ">=3.11"\nextras = ["more"]\ncreated-by = "test"\n\n' + "".join([
        package("alpha", "1.0"),
        package("beta", "2.0", "marker = \"python_full_version >= '3.12'\"\n"),
        package("zeta", "1.0", "marker = \"'more' in extras\"\n"),
        f'[[packages]]\nname = "local"\nversion = "1.0"\narchive = {{ path = "wheels/{file}", hashes = {{ sha256 = "{digest}" }} }}\n',
    ])


def lock(root, port):
    files, out, base = root / "files", root / "workspace", f"http://127.0.0.1:{port}"
    (out / "uv.lock").write_text(uv_lock(files, base))
    (out / "pylock.toml").write_text(pylock(files, base))
    (out / "wheels").mkdir()
    (out / "third_party" / "omega-1.0-py3-none-any.whl").write_bytes(wheel_bytes("omega", "1.0", "py3-none-any"))
    for file, _, _ in wheels_of(files, "local", "1.0"):
        (out / "wheels" / file).write_bytes((files / file).read_bytes())


def serve(root):
    files, log = root / "files", open(root / "requests.log", "a", buffering=1)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.lstrip("/").replace("%2B", "+")
            log.write(name + "\n")
            if not (files / name).is_file():
                self.send_error(404)
                return
            body = (files / name).read_bytes()
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
