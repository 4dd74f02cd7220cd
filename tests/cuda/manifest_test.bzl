"""Tests of reading manifests: the message of every refusal."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/cuda/toolkit:manifest.bzl", "archive_stem", "missing_reason", "read_manifest")  # buildifier: disable=bzl-visibility

visibility("private")

_SHA = "ab" * 32
_WHEEL = {"file": "nvidia_cuda_nvcc-13.0.88-py3-none-any.whl", "sha256": _SHA, "size": 9, "wheel": "nvidia-cuda-nvcc"}
_REDIST = {"redist": "cuda_nvcc/linux-sbsa/cuda_nvcc-linux-sbsa-13.0.88-archive.tar.xz", "sha256": _SHA, "size": 9}

def _manifest(row = _WHEEL, platform = "linux-x86_64", component = "nvcc", version = "13.0", archs = ["sm_90a"], **more):
    return json.encode({
        "archs": archs,
        "components": {component: {"platforms": {platform: row}, "version": "13.0.88"} | more},
        "version": version,
    })

def _without(row, key):
    return {name: value for name, value in row.items() if name != key}

_HINT = "\nhint: write manifests with toolchains/cuda/manifests/make_manifest.py"
_NO_MANIFEST = "M: got no JSON object with 'components', expected a manifest" + _HINT
_NO_VERSION = "M: got version '{}', expected '13.0', as the toolkit is declared"
_NO_ARCHS = "M: got {}, expected a list such as [\"sm_75\", \"sm_90a\"]" + _HINT
_ROW = "M: component 'nvcc', linux-x86_64: got {}, expected {}" + _HINT
_COMPONENTS = "cccl, crt, cublas, cudnn, cufft, culibos, cuobjdump, curand, cusolver, cusparse, nccl, nvcc, nvdisasm, nvjitlink, " + \
              "nvrtc, nvtx, nvvm, runtime, sanitizer"

# (text, what follows "error: cuda manifest: ")
_REFUSED = [
    ("", _NO_MANIFEST),
    ("[]", _NO_MANIFEST),
    ("{}", _NO_MANIFEST),
    ("{\"components\": []}", _NO_MANIFEST),
    ("{\"components\": {}}", _NO_VERSION.format("")),
    (_manifest(version = "13.2"), _NO_VERSION.format("13.2")),
    (_manifest(archs = []), _NO_ARCHS.format("'archs' []")),
    (_manifest(archs = "sm_90"), _NO_ARCHS.format("'archs' \"sm_90\"")),
    (_manifest(archs = ["sm_90", "compute_90"]), _NO_ARCHS.format("arch \"compute_90\"")),
    (_manifest(archs = ["sm_"]), _NO_ARCHS.format("arch \"sm_\"")),
    (_manifest(component = "npp"), "M: components: got 'npp', expected one of " + _COMPONENTS + _HINT),
    (_manifest(platforms = None), "M: component 'nvcc': got no 'platforms', expected an object with one row per platform" + _HINT),
    (_manifest(version = "13.0").replace("13.0.88\"}", "1 2\"}"), "M: component 'nvcc': got version '1 2', expected the version of the component" + _HINT),
    (_manifest(prefix = "../up"), "M: component 'nvcc': got prefix '../up', expected a relative path" + _HINT),
    (_manifest(platform = "linux-sbsa"), "M: component 'nvcc': got platform 'linux-sbsa', expected one of linux-aarch64, linux-x86_64" + _HINT),
    (_manifest("none"), _ROW.format("\"none\"", "an object")),
    (_manifest({}), _ROW.format("a row with none", "one of not_available, redist and wheel")),
    (_manifest(_WHEEL | _REDIST), _ROW.format("a row with redist and wheel", "one of not_available, redist and wheel")),
    (_manifest(_without(_WHEEL, "sha256")), _ROW.format("no 'sha256'", "one beside 'wheel'")),
    (_manifest(_without(_REDIST, "size")), _ROW.format("no 'size'", "one beside 'redist'")),
    (_manifest(_WHEEL | {"url": "x"}), _ROW.format("'url'", "nothing but file, sha256, size, wheel")),
    (_manifest(_WHEEL | {"size": "9"}), _ROW.format("size \"9\"", "a number of bytes")),
    (_manifest(_WHEEL | {"file": ""}), _ROW.format("file \"\"", "a text")),
    (_manifest(_WHEEL | {"sha256": "AB" * 32}), _ROW.format("sha256 '{}'".format("AB" * 32), "64 lower-case hex digits")),
    (_manifest(_WHEEL | {"sha256": "ab" * 20}), _ROW.format("sha256 '{}'".format("ab" * 20), "64 lower-case hex digits")),
    (_manifest(_WHEEL | {"wheel": "--index"}), _ROW.format("wheel '--index', file '{}'".format(_WHEEL["file"]), "a package and the name of its wheel")),
    (_manifest(_WHEEL | {"file": "a/b.whl"}), _ROW.format("wheel 'nvidia-cuda-nvcc', file 'a/b.whl'", "a package and the name of its wheel")),
    (_manifest(_REDIST | {"redist": "../a.zip"}), _ROW.format("redist '../a.zip'", "a relative path that ends with one of .tar.gz, .tar.xz, .zip")),
    (_manifest(_REDIST | {"redist": "a.rpm"}), _ROW.format("redist 'a.rpm'", "a relative path that ends with one of .tar.gz, .tar.xz, .zip")),
]

def _refused_impl(ctx):
    env = unittest.begin(ctx)
    for text, expected in _REFUSED:
        manifest, error = read_manifest(text, "M", "13.0")
        asserts.equals(env, None, manifest, text)
        asserts.equals(env, "error: cuda manifest: " + expected, error)
    return unittest.end(env)

refused_test = unittest.make(_refused_impl)

def _accepted_impl(ctx):
    env = unittest.begin(ctx)
    for row in [_WHEEL, _REDIST, {"not_available": "never built"}]:
        manifest, error = read_manifest(_manifest(row), "M", "13.0")
        asserts.equals(env, None, error)
        asserts.equals(env, row, manifest["components"]["nvcc"]["platforms"]["linux-x86_64"])
    asserts.equals(env, "cuda_nvcc-linux-sbsa-13.0.88-archive", archive_stem(_REDIST["redist"]))
    return unittest.end(env)

accepted_test = unittest.make(_accepted_impl)

def _missing_impl(ctx):
    env = unittest.begin(ctx)
    manifest = json.decode(_manifest({"not_available": "never built"}))
    asserts.equals(env, "never built", missing_reason(manifest, "nvcc", "linux-x86_64"))
    asserts.equals(env, "no 'nvcc' for linux-aarch64 in the manifest", missing_reason(manifest, "nvcc", "linux-aarch64"))
    asserts.equals(env, "no component 'cudnn' in the manifest", missing_reason(manifest, "cudnn", "linux-x86_64"))
    asserts.equals(env, None, missing_reason(json.decode(_manifest()), "nvcc", "linux-x86_64"))
    return unittest.end(env)

missing_test = unittest.make(_missing_impl)

def manifest_test_suite(name):
    """Declares the tests.

    Args:
      name: of the suite.
    """
    unittest.suite(name, refused_test, accepted_test, missing_test)
