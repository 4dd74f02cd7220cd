"""Tests of circles of dependencies, of explanations, and of what a hub says about missing wheels."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:explain.bzl", "explanation")
load("//rules/private/wheels:graph.bzl", "components")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:hub_targets.bzl", "deps_build", "lock_json", "missing_builds", "package_targets")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:plan.bzl", "plan_wheels")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:platforms.bzl", "DEFAULT_NEWEST")  # buildifier: disable=bzl-visibility

visibility("private")

def _components_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, [], components({}))
    asserts.equals(env, [["d"], ["a", "b", "c"], ["e"]], components({"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": [], "e": ["a", "d"]}))
    asserts.equals(env, [["d", "e"], ["a", "b"]], components({"a": ["b", "d"], "b": ["a"], "d": ["e"], "e": ["d"]}))

    # A chain that is deeper than a recursion could be.
    chain = {str(i): [str(i + 1)] for i in range(3000)} | {"3000": []}
    asserts.equals(env, [[str(i)] for i in range(3000, -1, -1)], components(chain))
    return unittest.end(env)

components_test = unittest.make(_components_impl)

_LOCK = """\
version = 1
requires-python = ">=3.11"
[[package]]
name = "app"
source = {{ editable = "." }}
dependencies = [{{ name = "a" }}, {{ name = "old" }}, {{ name = "repo" }}]
[[package]]
name = "a"
version = "1"
source = {{ registry = "https://example.invalid" }}
dependencies = [{{ name = "b" }}, {{ name = "c" }}]
wheels = [{{ url = "https://example.invalid/a-1-cp311-cp311-win_amd64.whl", hash = "sha256:{0}" }}, {{ url = "https://example.invalid/a-1-py3-none-any.whl", hash = "sha256:{1}" }}]
[[package]]
name = "b"
version = "1"
source = {{ registry = "https://example.invalid" }}
dependencies = [{{ name = "a" }}]
wheels = [{{ url = "https://example.invalid/b-1-py3-none-any.whl", hash = "sha256:{2}" }}]
[[package]]
name = "c"
version = "1"
source = {{ registry = "https://example.invalid" }}
sdist = {{ url = "https://example.invalid/c-1.tar.gz", hash = "sha256:{2}" }}
wheels = [{{ url = "https://example.invalid/c-1-cp312-cp312-win_amd64.whl", hash = "sha256:{2}" }}]
[[package]]
name = "old"
version = "1"
source = {{ registry = "https://example.invalid" }}
sdist = {{ url = "https://example.invalid/old-1.tar.gz", hash = "sha256:{2}" }}
[[package]]
name = "repo"
version = "1"
source = {{ git = "https://example.invalid/repo.git" }}
""".format("1" * 64, "2" * 64, "3" * 64)

_DEPS = """
package(default_visibility = ["//visibility:public"])

wheel_deps(
    name = "c",
    deps = [],
    wheels = ["//c/missing_cp311_linux_x86_64:whl"],
)

wheel_trees(
    name = "c.trees",
    deps = [],
    trees = ["//c/missing_cp311_linux_x86_64:tree"],
)

wheel_deps(
    name = "a",
    deps = [":c"],
    wheels = ["@w_a_cp311_linux_x86_64//:whl", "@w_b_cp311_linux_x86_64//:whl"],
)

wheel_trees(
    name = "a.trees",
    deps = [":c.trees"],
    trees = ["@w_a_cp311_linux_x86_64//tree", "@w_b_cp311_linux_x86_64//tree"],
)

alias(
    name = "b",
    actual = ":a",
)

alias(
    name = "b.trees",
    actual = ":a.trees",
)
"""

def _plan(**kwargs):
    return plan_wheels("w", _LOCK, "uv.lock", ["3.11"], ["linux_x86_64"], **kwargs)

def _circle_impl(ctx):
    env = unittest.begin(ctx)
    plan, error = _plan()
    asserts.equals(env, None, error)
    text = deps_build(plan, "cp311_linux_x86_64")
    asserts.true(env, _DEPS in text, text)

    # Source code of the workspace is no wheel, and not missed.
    asserts.true(env, "    name = \"app\",\n    deps = [\":a\", \":old\", \":repo\"],\n    wheels = [],\n" in text, text)
    asserts.equals(env, ["w_a_cp311_linux_x86_64", "w_old_sdist_0", "w_b_cp311_linux_x86_64", "w_c_sdist_0"], [wheel.repository for wheel in plan.wheels])
    return unittest.end(env)

circle_test = unittest.make(_circle_impl)

_HINT = "pin a version with such a wheel, or name one that a build makes (sdist_wheel, of @w//{0}:sdist) in " + \
        "wheels.lock(name = 'w', overrides = {{'{0}': ...}}), or leave the python or platform out"

def _missing_impl(ctx):
    env = unittest.begin(ctx)
    plan, _ = _plan()
    for package, message in {
        "app": "app: source code in the directory '.', expected a wheel\n" +
               "hint: build it in this workspace, and name that target instead",
        "c": "c 1: 1 wheels, and none fits (a source archive is there), expected a wheel for this python and platform\n" +
             "hint: @w//c:explain says why of each; " + _HINT.format("c"),
        "old": "old 1: the source archive 'old-1.tar.gz' only, expected a wheel\nhint: " + _HINT.format("old"),
        "repo": "repo 1: a git repository, 'https://example.invalid/repo.git', expected a wheel\n" +
                "hint: build it in this workspace, and name that target instead",
    }.items():
        expected = "error: wheel: @w//{} (python 3.11, linux_x86_64): got {}".format(package, message)
        asserts.equals(env, expected, plan.missing[package]["cp311_linux_x86_64"])
        text = missing_builds(plan)[package + "/missing_cp311_linux_x86_64/BUILD.bazel"]
        asserts.true(env, repr(expected) in text, text)
    return unittest.end(env)

missing_test = unittest.make(_missing_impl)

def _overrides_impl(ctx):
    env = unittest.begin(ctx)
    plan, error = _plan(overrides = {"B": "@//my:b", "old": "@//my:old"})
    asserts.equals(env, None, error)
    text = deps_build(plan, "cp311_linux_x86_64")
    asserts.true(env, "    wheels = [\"//b\", \"@w_a_cp311_linux_x86_64//:whl\"],\n" in text, text)
    asserts.true(env, "    wheels = [\"//old\"],\n" in text, text)
    asserts.true(env, "    trees = [\"//b/override:tree\", \"@w_a_cp311_linux_x86_64//tree\"],\n" in text, text)
    used = json.decode(lock_json(plan))["configurations"]["cp311_linux_x86_64"]
    asserts.equals(env, ("@//my:b", "@//my:old"), (used["b"]["wheel"], used["old"]["wheel"]))
    _, error = _plan(overrides = {"nobody": "@//my:b"})
    asserts.equals(env, "error: wheels: wheels.lock(name = \"w\"): got an override of 'nobody', which uv.lock does not have, " +
                        "expected a package of the lock", error)
    return unittest.end(env)

overrides_test = unittest.make(_overrides_impl)

def _sdists_impl(ctx):
    env = unittest.begin(ctx)
    plan, _ = _plan()
    asserts.equals(env, {"cp311_linux_x86_64": "@w_old_sdist_0//:sdist"}, plan.sdists["old"])
    archive = [wheel for wheel in plan.wheels if wheel.slot == "sdist_0" and wheel.package == "old"][0]
    asserts.equals(env, ("old-1.tar.gz", "https://example.invalid/old-1.tar.gz", ["3" * 64]), (archive.file, archive.url, archive.hashes))
    select = lambda choices: repr(choices)
    text = package_targets(plan, "w", "old", DEFAULT_NEWEST, select).targets
    asserts.true(env, "alias(\n    name = \"sdist\",\n    actual = {\"cp311_linux_x86_64\": \"@w_old_sdist_0//:sdist\"},\n)" in text, text)
    text = package_targets(plan, "w", "a", DEFAULT_NEWEST, select).targets
    asserts.true(env, "got no source archive with a sha256 in uv.lock, expected one" in text, text)
    return unittest.end(env)

sdists_test = unittest.make(_sdists_impl)

def _asked_impl(ctx):
    env = unittest.begin(ctx)
    where = "error: wheels: wheels.lock(name = \"w\"): got "
    for kwargs, message in [
        ({"extras": ["x"]}, "extra 'x', expected none, since uv.lock has none"),
        ({"groups": ["dev"]}, "group 'dev', expected none, since uv.lock has none"),
        ({"newest": {"glibc": "2"}}, "newest 'glibc': '2', expected glibc, macos, musl, each with a version such as '2.28'"),
    ]:
        asserts.equals(env, where + message, _plan(**kwargs)[1])
    conflict = "conflicts = [[{ package = \"app\", extra = \"x\" }, { package = \"app\", extra = \"y\" }]]\n"
    text = _LOCK.replace("[[package]]\nname = \"app\"", conflict + "[[package]]\nname = \"app\"", 1).replace(
        "[[package]]\nname = \"a\"",
        "[package.optional-dependencies]\nx = []\ny = []\n[[package]]\nname = \"a\"",
        1,
    )
    _, error = plan_wheels("w", text, "uv.lock", ["3.11"], ["linux_x86_64"], extras = ["x", "y"])
    asserts.equals(env, where + "'x' and 'y', expected one of them: the lock says that they conflict", error)
    _, error = plan_wheels("w", _LOCK, "uv.lock", ["3.10"], ["linux_x86_64"])
    asserts.equals(env, where + "python '3.10', expected >=3.11, which the lock is made for", error)
    text = _LOCK.replace("[[package]]", "supported-markers = [\"sys_platform == 'win32'\"]\n[[package]]", 1)
    _, error = plan_wheels("w", text, "uv.lock", ["3.11"], ["linux_x86_64"])
    asserts.equals(env, where + "python '3.11' on linux_x86_64, expected an environment that the lock is made for: " +
                        "sys_platform == 'win32'\nhint: lock for it too, or leave it out of wheels.lock", error)
    return unittest.end(env)

asked_test = unittest.make(_asked_impl)

_EXPLANATION = """\
@w//a 2 for cp311_linux_x86_64
  a-2-cp38-abi3-manylinux_2_17_x86_64.whl
    chosen: fits by cp38-abi3-manylinux_2_17_x86_64
  a-2-py3-none-any.whl
    fits by py3-none-any, which is not the best
  a-2-cp312-cp312-linux_x86_64.whl
    other python: cp312
  a-2.tar.gz
    source archive: never built here
  other configurations use 1
"""

def _explain_impl(ctx):
    env = unittest.begin(ctx)
    versions = [
        {"files": [], "hashes": 3, "not_a_wheel": "", "sdist": "", "version": "1"},
        {
            "files": ["a-2-py3-none-any.whl", "a-2-cp312-cp312-linux_x86_64.whl", "a-2-cp38-abi3-manylinux_2_17_x86_64.whl"],
            "hashes": 0,
            "not_a_wheel": "",
            "sdist": "a-2.tar.gz",
            "version": "2",
        },
    ]
    used = {"cp310_linux_x86_64": "0", "cp311_linux_x86_64": "1"}
    asserts.equals(env, _EXPLANATION, explanation("@w//a", "cp311_linux_x86_64", used, versions, DEFAULT_NEWEST))
    asserts.equals(
        env,
        "@w//a 1 for cp310_linux_x86_64\n  3 hashes in the lock, without names: pip chooses among them when the wheel is fetched\n" +
        "  other configurations use 2\n",
        explanation("@w//a", "cp310_linux_x86_64", used, versions, DEFAULT_NEWEST),
    )
    asserts.equals(
        env,
        "@w//a for none: not used\n  it is used for: cp310_linux_x86_64, cp311_linux_x86_64\n",
        explanation("@w//a", "none", used, versions, DEFAULT_NEWEST),
    )
    return unittest.end(env)

explain_test = unittest.make(_explain_impl)

def hub_targets_test_suite(name):
    unittest.suite(name, components_test, circle_test, missing_test, asked_test, overrides_test, sdists_test, explain_test)
