"""Tests of pylock.toml."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:platforms.bzl", "marker_environment")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:pylock.bzl", "read_pylock")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:read_lock.bzl", "lock_format")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:resolve.bzl", "resolve")  # buildifier: disable=bzl-visibility

visibility("private")

_A = "a" * 64

_TEXT = """\
lock-version = "1.0"
environments = ["sys_platform == 'win32'", "sys_platform == 'linux'"]
requires-python = "==3.12.*"
extras = ["gpu"]
dependency-groups = ["dev", "docs"]
default-groups = ["dev"]
created-by = "mousebender"

[[packages]]
name = "attrs"
version = "25.1.0"
requires-python = ">=3.8"
wheels = [
  {{name = "attrs-25.1.0-py3-none-any.whl", upload-time = 2025-01-25T11:30:10.164985+00:00, url = "https://example.invalid/9/attrs.whl", size = 63152, hashes = {{sha256 = "{a}"}}}},
]
[[packages.attestation-identities]]
environment = "release-pypi"

[[packages]]
name = "cattrs"
version = "24.1.2"
dependencies = [{{name = "attrs"}}, {{name = "not-locked"}}]
sdist = {{url = "https://example.invalid/cattrs-24.1.2.tar.gz", hashes = {{sha256 = "{a}"}}}}

[[packages]]
name = "Numpy"
version = "2.2.3"
marker = "'gpu' in extras"
[[packages.wheels]]
path = "wheels/numpy-2.2.3-cp312-cp312-win_amd64.whl"
hashes = {{sha256 = "{a}", md5 = "0"}}
[packages.variants-json]
url = "https://example.invalid/numpy-2.2.3-variants.json"
hashes = {{sha256 = "{a}"}}

[[packages]]
name = "sphinx"
version = "8"
marker = "'docs' in dependency_groups"
archive = {{url = "https://example.invalid/sphinx-8-py3-none-any.whl", hashes = {{sha256 = "{a}"}}}}

[[packages]]
name = "pytest"
marker = "'dev' in dependency_groups"
vcs = {{type = "git", url = "https://example.invalid/pytest.git", commit-id = "0"}}

[[packages]]
name = "app"
directory = {{path = ".", editable = true}}
""".format(a = _A)

def _lock(text):
    lock, error = read_pylock(text, "pylock.toml")
    if error:
        fail(error)
    return lock

def _used(lock, extras, groups):
    used, error = resolve(lock, marker_environment("3.12", "linux_x86_64"), extras, groups)
    return error or sorted(used.packages)

def _reads_impl(ctx):
    env = unittest.begin(ctx)
    lock = _lock(_TEXT)
    packages = {package.name: package for package in lock.packages}
    asserts.equals(env, (["gpu"], ["dev", "docs"], ["dev"]), (lock.extras, lock.groups, lock.default_groups))
    asserts.equals(env, "==3.12.*", lock.requires_python)
    asserts.equals(env, 2, len(lock.environments))
    asserts.equals(env, [struct(
        file = "attrs-25.1.0-py3-none-any.whl",
        path = "",
        sha256 = _A,
        size = 63152,
        url = "https://example.invalid/9/attrs.whl",
    )], packages["attrs"].wheels)
    asserts.equals(env, "wheels/numpy-2.2.3-cp312-cp312-win_amd64.whl", packages["numpy"].wheels[0].path)
    asserts.equals(env, "numpy-2.2.3-variants.json", packages["numpy"].variants_json.file)
    asserts.equals(env, "cattrs-24.1.2.tar.gz", packages["cattrs"].sdist)
    asserts.equals(env, "sphinx-8-py3-none-any.whl", packages["sphinx"].wheels[0].file)
    asserts.equals(env, "a repository, 'https://example.invalid/pytest.git'", packages["pytest"].not_a_wheel)
    asserts.equals(env, "source code in the directory '.'", packages["app"].not_a_wheel)
    return unittest.end(env)

reads_test = unittest.make(_reads_impl)

def _markers_impl(ctx):
    env = unittest.begin(ctx)
    lock = _lock(_TEXT)
    asserts.equals(env, ["app", "attrs", "cattrs", "pytest"], _used(lock, [], []))
    asserts.equals(env, ["app", "attrs", "cattrs", "numpy", "sphinx"], _used(lock, ["gpu"], ["docs"]))
    edges = resolve(lock, marker_environment("3.12", "linux_x86_64"), [], [])[0].edges
    asserts.equals(env, {"app": [], "attrs": [], "cattrs": ["attrs"], "pytest": []}, edges)
    return unittest.end(env)

markers_test = unittest.make(_markers_impl)

_HEAD = "lock-version = \"1.0\"\n"
_ATTRS = _HEAD + "[[packages]]\nname = \"attrs\"\n"
_REFUSED = {
    _ATTRS + "vcs = {}\ndirectory = {}": "pylock.toml:2: got vcs and directory of 'attrs', expected one of vcs, directory, archive, " +
                                         "or sdist and wheels",
    _ATTRS + "wheels = [{name = \"a.whl\"}]": "pylock.toml:2: got 'a.whl' without url and path, expected one of them",
    _ATTRS + "wheels = [{url = \"https://example.invalid/a.whl\", hashes = {md5 = \"0\"}}]": "pylock.toml:2: got 'a.whl' without " +
                                                                                             "hashes.sha256, expected it",
    _ATTRS + "wheels = {}": "pylock.toml:2: got 'wheels' of another type, expected a list of tables",
    _HEAD: "pylock.toml: got no package, expected at least one",
    _HEAD + "[[packages]]": "pylock.toml:2: got no 'name', expected a text",
    "lock-version = \"2.0\"": "pylock.toml: got lock-version \"2.0\", expected \"1.0\"\n" +
                              "hint: lock with a tool that writes lock-version 1.0",
}

def _refuses_impl(ctx):
    env = unittest.begin(ctx)
    for text, message in _REFUSED.items():
        _, error = read_pylock(text, "pylock.toml")
        asserts.equals(env, "error: wheels lock: " + message, error, text)
    return unittest.end(env)

refuses_test = unittest.make(_refuses_impl)

def _format_impl(ctx):
    env = unittest.begin(ctx)
    for (file, content), expected in {
        ("@//:pylock.toml", ""): "pylock.toml",
        ("@//a:pylock.dev.toml", ""): "pylock.toml",
        ("@//a:requirements.lock.txt", "version = 1"): "requirements.txt",
        ("@//a:tool.py.lock", ""): "uv.lock",
        ("@//a:uv.lock", ""): "uv.lock",
        ("lock", "# uv\nversion = 1\n"): "uv.lock",
        ("lock", "a==1\n"): "requirements.txt",
        ("lock.toml", "# uv\nlock-version = \"1.0\"\n"): "pylock.toml",
    }.items():
        asserts.equals(env, expected, lock_format(content, file), file)
    return unittest.end(env)

format_test = unittest.make(_format_impl)

def pylock_test_suite(name):
    unittest.suite(name, reads_test, markers_test, refuses_test, format_test)
