"""Tests of merging what modules declare, of plans, and of the text of generated files."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/cuda/toolkit:hub_files.bzl", "config_build", "install_bzl", "root_build", "toolkit_build")  # buildifier: disable=bzl-visibility
load("//rules/private/cuda/toolkit:plan.bzl", "merge_toolkits", "plan_release")  # buildifier: disable=bzl-visibility
load("//rules/private/cuda/toolkit:releases.bzl", "RELEASES", "pinned_manifest")  # buildifier: disable=bzl-visibility

visibility("private")

_SHA = "ab" * 32

def _row(name, platform):
    return {"redist": "{}/{}.zip".format(name, platform), "sha256": _SHA, "size": 9}

def _manifest(version, **components):
    return {
        "archs": ["sm_90a"],
        "components": {
            name: {"platforms": {platform: _row(name, platform) for platform in platforms}, "version": "1"}
            for name, platforms in components.items()
        },
        "version": version,
    }

_BOTH = ["linux-aarch64", "linux-x86_64"]
_SMALL = _manifest("13.0", nvcc = ["linux-x86_64"], crt = ["linux-x86_64"], runtime = _BOTH, cublas = _BOTH)

def _tag(module, version, is_root = False, manifest = "M", urls = [], path = ""):
    return struct(is_root = is_root, manifest = manifest, module = module, path = path, urls = urls, version = version)

def _merged(*tags):
    toolkits, error = merge_toolkits(list(tags))
    return error or [toolkit.version for toolkit in toolkits]

def _merge_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, [], _merged())

    # The root module's first is the default; without a root module's, the newest.
    asserts.equals(env, ["13.0", "9.2", "13.2"], _merged(
        _tag("root", "13.0", True),
        _tag("root", "9.2", True),
        _tag("other", "13.2"),
    ))
    asserts.equals(env, ["13.2", "9.2"], _merged(_tag("one", "9.2"), _tag("other", "13.2")))
    asserts.equals(env, ["13.0"], _merged(_tag("one", "13.0"), _tag("other", "13.0")))
    return unittest.end(env)

merge_test = unittest.make(_merge_impl)

def _conflict_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(
        env,
        "error: cuda.toolkit: '13.0' of module 'other': got manifest '@other//:m.json', expected 'M', as module 'root' has it\n" +
        "hint: one release has one manifest; give one of them a version of its own",
        _merged(_tag("root", "13.0", True), _tag("other", "13.0", manifest = "@other//:m.json")),
    )
    asserts.equals(
        env,
        "error: cuda.toolkit: '13.0' of module 'other': got urls [], expected [file:///a], as module 'root' has it\n" +
        "hint: one release has one urls; give one of them a version of its own",
        _merged(_tag("root", "13.0", True, urls = ["file:///a"]), _tag("other", "13.0")),
    )
    return unittest.end(env)

conflict_test = unittest.make(_conflict_impl)

def _releases_impl(ctx):
    env = unittest.begin(ctx)
    manifest, error = pinned_manifest("13.0", None, "module 'm'")
    asserts.equals(env, RELEASES["13.0"], manifest)
    asserts.equals(env, None, error)
    asserts.equals(env, "own", pinned_manifest("14.7", "own", "module 'm'")[0])
    asserts.equals(
        env,
        "error: cuda.toolkit: module 'm': got version '14.7', expected one of 12.9, 13.0, 13.2\n" +
        "hint: for another release write a manifest with toolchains/cuda/manifests/make_manifest.py and name it in `manifest`",
        pinned_manifest("14.7", None, "module 'm'")[1],
    )
    return unittest.end(env)

releases_test = unittest.make(_releases_impl)

def _repositories_impl(ctx):
    env = unittest.begin(ctx)
    repositories = plan_release("cuda", _SMALL, "M", ["file:///a"])
    asserts.equals(env, [
        "cuda_13_0__cudart__linux-aarch64",
        "cuda_13_0__cublas__linux-aarch64",
        "cuda_13_0__compiler__linux-x86_64",
        "cuda_13_0__cudart__linux-x86_64",
        "cuda_13_0__cublas__linux-x86_64",
    ], [one.name for one in repositories])

    # What a release does not have is not a part of its tree.
    compiler = repositories[2]
    asserts.equals(env, ["crt", "nvcc", "runtime"], sorted(json.decode(compiler.parts)))
    asserts.equals(env, _row("nvcc", "linux-x86_64"), json.decode(compiler.parts)["nvcc"]["row"])
    asserts.equals(env, ["sm_90a"], compiler.archs)
    asserts.equals(env, ["file:///a"], compiler.urls)

    # Headers of the runtime include those of the compiler, which older releases have beside nvcc.
    asserts.equals(env, ["crt", "runtime"], sorted(json.decode(repositories[3].parts)))
    older = plan_release("cuda", _manifest("12.9", nvcc = _BOTH, runtime = _BOTH), "M", [])
    asserts.equals(env, ["nvcc", "runtime"], sorted(json.decode(older[1].parts)))
    return unittest.end(env)

repositories_test = unittest.make(_repositories_impl)

def _hub_impl(ctx):
    env = unittest.begin(ctx)
    releases = [
        struct(local = "", manifest = _SMALL, version = "13.0"),
        struct(local = "linux-x86_64", manifest = None, version = "mine"),
    ]
    root = root_build("cuda", releases)
    asserts.true(env, """
alias(
    name = "cublas",
    actual = select({
        "//_config:13.0_linux-aarch64": "@cuda_13_0__cublas__linux-aarch64//:cublas",
        "//_config:13.0_linux-x86_64": "@cuda_13_0__cublas__linux-x86_64//:cublas",
        "//_config:mine_linux-x86_64": "@cuda_mine__local//:cublas",
    }, no_match_error = "error: cuda: @cuda//:cublas: got a platform without a toolkit, expected one of linux-aarch64, linux-x86_64"),
)
""" in root, root)
    asserts.true(env, '"//_config:13.0_linux-x86_64": "//_config:missing_13.0_cudnn_linux-x86_64"' in root, root)

    # No compiler runs on aarch64; both runtimes can be built for.
    toolkits = toolkit_build("cuda", releases)
    for name, found in [
        ("13.0_linux-x86_64_linux-aarch64", True),
        ("13.0_linux-x86_64_linux-x86_64", True),
        ("13.0_linux-aarch64_linux-aarch64", False),
        ("mine_linux-x86_64_linux-x86_64", True),
    ]:
        asserts.equals(env, found, "name = \"{}\"".format(name) in root, name)
        asserts.equals(env, found, "name = \"{}\"".format(name) in toolkits, name)
    asserts.true(env, """
    name = "missing_13.0_cudnn_linux-x86_64",
    message = "\\nerror: cuda: @cuda//:cudnn of 13.0 (linux-x86_64): got no component 'cudnn' in the manifest, """ +
                      """expected it in the release\\nhint: """ in config_build("cuda", releases))
    install = install_bzl("cuda", plan_release("cuda", _SMALL, "M", []), {"mine": "/opt/cuda"})
    asserts.equals(env, 5, install.count("component_repository(name ="))
    asserts.true(env, "local_repository(name = \"cuda_mine__local\", hub = \"cuda\", path = \"/opt/cuda\", version = \"mine\")" in install)
    return unittest.end(env)

hub_test = unittest.make(_hub_impl)

def plan_test_suite(name):
    """Declares the tests.

    Args:
      name: of the suite.
    """
    unittest.suite(name, merge_test, conflict_test, releases_test, repositories_test, hub_test)
