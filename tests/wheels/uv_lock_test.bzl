"""Tests of uv.lock: the golden of a project with conflicting extras, forks, and what is refused."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:platforms.bzl", "marker_environment")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:resolve.bzl", "resolve")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:uv_lock.bzl", "read_uv_lock")  # buildifier: disable=bzl-visibility

visibility("private")

_A = "a" * 64

# As uv writes it for a project with torch from two indexes, chosen by the extras cpu and cu; reduced.
_TORCH = """\
version = 1
revision = 3
requires-python = ">=3.10"
conflicts = [[
    {{ package = "demo-app", extra = "cpu" }},
    {{ package = "demo-app", extra = "cu" }},
]]

[[package]]
name = "demo-app"
version = "0.1.0"
source = {{ virtual = "." }}
dependencies = [
    {{ name = "numpy", version = "2.2.6", source = {{ registry = "https://example.invalid/simple" }}, marker = "python_full_version < '3.11'" }},
    {{ name = "numpy", version = "2.3.5", source = {{ registry = "https://example.invalid/simple" }}, marker = "python_full_version >= '3.11'" }},
    {{ name = "imageio", extra = ["ffmpeg"] }},
]

[package.optional-dependencies]
cpu = [
    {{ name = "torch", version = "2.9.1+cpu", source = {{ registry = "https://example.invalid/cpu" }} }},
]
cu = [
    {{ name = "torch", version = "2.9.1+cu128", source = {{ registry = "https://example.invalid/cu128" }} }},
]

[package.metadata]
provides-extras = ["cpu", "cu", "none"]

[package.dev-dependencies]
dev = [
    {{ name = "pytest" }},
]

[[package]]
name = "imageio"
version = "2.37.0"
source = {{ registry = "https://example.invalid/simple" }}
wheels = [
    {{ url = "https://example.invalid/imageio-2.37.0-py3-none-any.whl", hash = "sha256:{a}", size = 315796 }},
]

[package.optional-dependencies]
ffmpeg = [
    {{ name = "imageio-ffmpeg" }},
]

[[package]]
name = "imageio-ffmpeg"
version = "0.6.0"
source = {{ registry = "../wheels" }}
wheels = [
    {{ path = "imageio_ffmpeg-0.6.0-py3-none-any.whl", hash = "sha256:{a}" }},
]

[[package]]
name = "numpy"
version = "2.2.6"
source = {{ registry = "https://example.invalid/simple" }}
resolution-markers = ["python_full_version < '3.11'"]
sdist = {{ url = "https://example.invalid/numpy-2.2.6.tar.gz", hash = "sha256:{a}", size = 1 }}

[[package]]
name = "numpy"
version = "2.3.5"
source = {{ registry = "https://example.invalid/simple" }}
resolution-markers = ["python_full_version >= '3.11'"]

[[package]]
name = "nvidia-cublas-cu12"
version = "12.8.4.1"
source = {{ registry = "https://example.invalid/simple" }}

[[package]]
name = "nvidia-cudnn-cu12"
version = "9.10.2.21"
source = {{ registry = "https://example.invalid/simple" }}
dependencies = [
    {{ name = "nvidia-cublas-cu12", marker = "platform_machine == 'x86_64' or (extra == 'extra-8-demo-app-cpu' and extra == 'extra-8-demo-app-cu')" }},
]

[[package]]
name = "pytest"
version = "9.0.1"
source = {{ path = "wheels/pytest-9.0.1-py3-none-any.whl" }}
wheels = [
    {{ filename = "pytest-9.0.1-py3-none-any.whl", hash = "sha256:{a}" }},
]

[[package]]
name = "setuptools"
version = "80.9.0"
source = {{ git = "https://example.invalid/setuptools.git?rev=v80.9.0#0123456789" }}

[[package]]
name = "torch"
version = "2.9.1+cpu"
source = {{ registry = "https://example.invalid/cpu" }}
dependencies = [
    {{ name = "setuptools", marker = "python_full_version >= '3.12'" }},
]

[[package]]
name = "torch"
version = "2.9.1+cu128"
source = {{ registry = "https://example.invalid/cu128" }}
dependencies = [
    {{ name = "nvidia-cublas-cu12", marker = "(platform_machine == 'x86_64' and sys_platform == 'linux' and extra == 'extra-8-demo-app-cu') or (extra == 'extra-8-demo-app-cpu' and extra == 'extra-8-demo-app-cu')" }},
    {{ name = "nvidia-cudnn-cu12", marker = "sys_platform == 'linux' and extra != 'extra-8-demo-app-cpu'" }},
    {{ name = "torch", version = "2.9.1+cu128", source = {{ registry = "https://example.invalid/cu128" }}, marker = "extra == 'group-8-demo-app-dev'" }},
]
""".format(a = _A)

def _lock(text = _TORCH):
    lock, error = read_uv_lock(text, "uv.lock")
    if error:
        fail(error)
    return lock

def _used(lock, python, platform, extras, groups = []):
    used, error = resolve(lock, marker_environment(python, platform), extras, groups)
    return error or {name: lock.packages[index].version for name, index in used.packages.items()}

def _golden_impl(ctx):
    env = unittest.begin(ctx)
    lock = _lock()
    base = {"demo-app": "0.1.0", "imageio": "2.37.0", "imageio-ffmpeg": "0.6.0", "numpy": "2.3.5"}
    asserts.equals(env, base, _used(lock, "3.11", "linux_x86_64", []))
    asserts.equals(env, base | {"numpy": "2.2.6"}, _used(lock, "3.10", "linux_x86_64", []))
    asserts.equals(env, base | {"torch": "2.9.1+cpu"}, _used(lock, "3.11", "linux_x86_64", ["cpu"]))
    asserts.equals(env, base | {"setuptools": "80.9.0", "torch": "2.9.1+cpu"}, _used(lock, "3.12", "linux_x86_64", ["cpu"]))
    cuda = base | {"nvidia-cublas-cu12": "12.8.4.1", "nvidia-cudnn-cu12": "9.10.2.21", "torch": "2.9.1+cu128"}
    asserts.equals(env, cuda, _used(lock, "3.11", "linux_x86_64", ["cu"]))
    asserts.equals(env, cuda | {"pytest": "9.0.1"}, _used(lock, "3.11", "linux_x86_64", ["cu"], ["dev"]))
    asserts.equals(env, base | {"torch": "2.9.1+cu128"}, _used(lock, "3.11", "windows_x86_64", ["cu"]))
    asserts.equals(env, {
        "demo-app": ["imageio", "imageio[ffmpeg]", "numpy", "torch"],
        "imageio": [],
        "imageio-ffmpeg": [],
        "imageio[ffmpeg]": ["imageio", "imageio-ffmpeg"],
        "numpy": [],
        "nvidia-cublas-cu12": [],
        "nvidia-cudnn-cu12": ["nvidia-cublas-cu12"],
        "torch": ["nvidia-cublas-cu12", "nvidia-cudnn-cu12"],
    }, resolve(lock, marker_environment("3.11", "linux_x86_64"), ["cu"], [])[0].edges)
    return unittest.end(env)

golden_test = unittest.make(_golden_impl)

def _model_impl(ctx):
    env = unittest.begin(ctx)
    lock = _lock()
    packages = {package.name: package for package in lock.packages}
    asserts.equals(env, ["cpu", "cu", "none"], lock.extras)
    asserts.equals(env, ["dev"], lock.groups)
    asserts.equals(env, [[{"extra": "cpu", "package": "demo-app"}, {"extra": "cu", "package": "demo-app"}]], lock.conflicts)
    asserts.equals(env, ">=3.10", lock.requires_python)
    asserts.equals(env, "the project in the directory '.'", packages["demo-app"].not_a_wheel)
    asserts.equals(
        env,
        "a git repository, 'https://example.invalid/setuptools.git?rev=v80.9.0#0123456789'",
        packages["setuptools"].not_a_wheel,
    )
    asserts.equals(env, (True, False), (packages["demo-app"].own, packages["setuptools"].own))
    asserts.equals(env, [struct(
        file = "imageio-2.37.0-py3-none-any.whl",
        path = "",
        sha256 = _A,
        size = 315796,
        url = "https://example.invalid/imageio-2.37.0-py3-none-any.whl",
    )], packages["imageio"].wheels)
    asserts.equals(env, "../wheels/imageio_ffmpeg-0.6.0-py3-none-any.whl", packages["imageio-ffmpeg"].wheels[0].path)
    asserts.equals(env, "wheels/pytest-9.0.1-py3-none-any.whl", packages["pytest"].wheels[0].path)
    asserts.equals(env, "numpy-2.2.6.tar.gz", [package.sdist for package in lock.packages if package.version == "2.2.6"][0])
    return unittest.end(env)

model_test = unittest.make(_model_impl)

_HEAD = "version = 1\n[[package]]\nname = \"app\"\nsource = { editable = \".\" }\n"
_B = "[[package]]\nname = \"b\"\nversion = \"1\"\nsource = { registry = \"https://example.invalid\" }\n"

# Text -> what `read_uv_lock` says.
_REFUSED = {
    "version = 1\n" + _B: "uv.lock: got no project in it, expected a package with the source virtual or editable \".\", or a manifest",
    "version = 2": "uv.lock: got uv.lock version 2, expected version 1\n" +
                   "hint: lock with a uv that writes version 1, or export: `uv export --format pylock.toml`",
    _HEAD + "[[package]]\nname = \"b\"\nsource = { svn = \"x\" }": "uv.lock:5: got a source with svn, expected one of registry, " +
                                                                   "url, path, directory, editable, git, virtual",
    _HEAD + "[[package]]\nsource = { virtual = \"b\" }": "uv.lock:5: got no 'name', expected a text",
    _HEAD + "dependencies = [\"b\"]": "uv.lock:2: got 'dependencies' of another type, expected a list of tables",
    _HEAD + _B + "version = 1": None,
    _HEAD + _B + "wheels = [{ hash = \"sha256:0\" }]": "uv.lock:5: got a wheel of 'b' without url, path and filename, expected one of them",
    _HEAD + _B + "wheels = [{ url = \"https://example.invalid/b.whl\", hash = \"md5:0\" }]": "uv.lock:5: got a hash 'md5', expected sha256",
    _HEAD + _B + "wheels = [{ url = \"https://example.invalid/b.whl\", hash = \"sha256:0\" }]": "uv.lock:5: got sha256 '0' (1 " +
                                                                                                "characters), expected 64 hex digits",
    _HEAD + _B + "wheels = [{ url = \"https://example.invalid/b.whl\" }]": "uv.lock:5: got 'b.whl' without a hash, expected hash = \"sha256:...\"\n" +
                                                                           "hint: uv writes none for files of a folder: " +
                                                                           "lock with `uv export --format pylock.toml`",
}

def _refuses_impl(ctx):
    env = unittest.begin(ctx)
    for text, message in _REFUSED.items():
        _, error = read_uv_lock(text, "uv.lock")
        if message:
            asserts.equals(env, "error: wheels lock: " + message, error, text)
        else:
            asserts.true(env, error.startswith("error: toml: uv.lock:9: got the key 'version' a second time"), error)
    return unittest.end(env)

refuses_test = unittest.make(_refuses_impl)

# Text of the dependencies of the project -> what the walk says.
_UNRESOLVED = {
    "{ name = \"b\", marker = \"extra == 'gpu'\" }": ("2: marker", "extra 'gpu'", "one in uv's encoding, extra-<length>-<project>-<extra>" +
                                                                                  " (of 'b' for 'app')", "lock without this marker, for the pythons and " +
                                                                                                         "platforms of the wheels.lock call"),
    "{ name = \"b\", marker = \"python_full_version < '3.11.3'\" }": (
        "2: marker",
        "python_full_version < '3.11.3'",
        "a comparison that all releases of python 3.11 answer alike (of 'b' for 'app')",
        "name the python with its patch release in wheels.lock(pythons), such as '3.11.9'",
    ),
    "{ name = \"b\", version = \"1\" }, { name = \"b\", version = \"2\" }": (
        10,
        "'b' 1 and 2 at once",
        "one version for each python and platform",
        "the lock has extras or groups that exclude each other: name one of them in wheels.lock(extras, groups)",
    ),
    "{ name = \"b\" }": (2, "2 packages for the dependency 'b'", "one", "lock anew"),
    "{ name = \"c\" }": (2, "0 packages for the dependency 'c'", "one", "lock anew"),
}

def _unresolved_impl(ctx):
    env = unittest.begin(ctx)
    for text, (place, got, expected, hint) in _UNRESOLVED.items():
        lock = _lock(_HEAD.rstrip("\n") + "\ndependencies = [" + text + "]\n" + _B.replace("\"1\"", "\"1\"") + _B.replace("\"1\"", "\"2\""))
        error = _used(lock, "3.11", "linux_x86_64", [])
        asserts.equals(env, (str(place), got, expected, hint), (str(error.place), error.got, error.expected, error.hint))
    return unittest.end(env)

unresolved_test = unittest.make(_unresolved_impl)

def _scripts_impl(ctx):
    env = unittest.begin(ctx)

    # The lock of a script has no project; versions are told apart by their forks.
    lock = _lock("version = 1\n[manifest]\nrequirements = [{ name = \"b\", specifier = \">=1\" }]\n" +
                 _B + "resolution-markers = [\"sys_platform == 'win32'\"]\n" +
                 _B.replace("\"1\"", "\"2\"") + "resolution-markers = [\"sys_platform != 'win32'\"]\n")
    asserts.equals(env, {"b": "2", "manifest": ""}, _used(lock, "3.11", "linux_x86_64", []))
    asserts.equals(env, {"b": "1", "manifest": ""}, _used(lock, "3.11", "windows_x86_64", []))
    return unittest.end(env)

scripts_test = unittest.make(_scripts_impl)

def uv_lock_test_suite(name):
    unittest.suite(name, golden_test, model_test, refuses_test, unresolved_test, scripts_test)
