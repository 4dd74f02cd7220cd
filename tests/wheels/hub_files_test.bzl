"""Tests of the text of generated files: the golden of one package."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:hub_files.bzl", "package_build", "requirements_bzl", "root_build")  # buildifier: disable=bzl-visibility

visibility("private")

_ALIAS = """
alias(
    name = "{name}",
    actual = select({{
        "//_config:cp311_linux_x86_64": "@w_numpy_5f1c0e2a//{target}",
        "//_config:cp312_linux_x86_64": "//numpy/missing_cp312_linux_x86_64:{missing}",
    }}, no_match_error = "error: wheels: @w//numpy: got a python or platform without a pinned wheel, expected one of \
cp311_linux_x86_64, cp312_linux_x86_64\\nhint: add it to wheels.lock(name = 'w'), or mark the target with \
target_compatible_with"),
)
"""

_PACKAGE = """\
package(default_visibility = ["//visibility:public"])
""" + "".join([
    _ALIAS.format(name = name, target = target, missing = missing)
    for name, target, missing in [
        ("numpy", ":whl", "whl"),
        ("layer", "layer", "layer"),
        ("tree", "tree", "tree"),
        ("metadata", "tree:metadata", "metadata"),
    ]
]) + """
alias(
    name = "pinned",
    actual = ":numpy",
)

alias(
    name = "whl",
    actual = ":numpy",
)
"""

# With an override everything but `pinned` is the other wheel.
_OVERRIDDEN = """\
package(default_visibility = ["//visibility:public"])
""" + "".join([
    _ALIAS.format(name = name, target = target, missing = missing).replace("@w_numpy_5f1c0e2a//" + target, place).replace(
        "//numpy/missing_cp312_linux_x86_64:" + missing,
        place2,
    )
    for name, target, missing, place, place2 in [
        ("numpy", ":whl", "whl", "@//my:numpy", "@//my:numpy"),
        ("layer", "layer", "layer", "//numpy/override/layer", "//numpy/override/layer"),
        ("tree", "tree", "tree", "//numpy/override:tree", "//numpy/override:tree"),
        ("metadata", "tree:metadata", "metadata", "//numpy/override:metadata", "//numpy/override:metadata"),
        ("pinned", ":whl", "whl", "@w_numpy_5f1c0e2a//:whl", "//numpy/missing_cp312_linux_x86_64:whl"),
    ]
]) + """
alias(
    name = "whl",
    actual = ":numpy",
)
"""

_CONFIGS = {"cp311_linux_x86_64": "@w_numpy_5f1c0e2a//", "cp312_linux_x86_64": "//numpy/missing_cp312_linux_x86_64"}

def _package_impl(ctx):
    env = unittest.begin(ctx)
    text = package_build("w", "numpy", _CONFIGS)
    asserts.equals(env, _PACKAGE, text)

    asserts.equals(env, _OVERRIDDEN, package_build("w", "numpy", _CONFIGS, override = "@//my:numpy"))

    # The name of the package comes first, and once.
    for name in ["whl", "layer", "tree", "metadata", "pinned"]:
        text = package_build("w", name, _CONFIGS)
        asserts.equals(env, 1, text.count("name = \"{}\"".format(name)), text)
        asserts.true(env, text.find("//:whl") < text.find("//tree") or name == "metadata", text)
    return unittest.end(env)

package_test = unittest.make(_package_impl)

def _lists_impl(ctx):
    env = unittest.begin(ctx)
    packages = {"everywhere": _CONFIGS, "some": {"cp312_linux_x86_64": "y"}}
    asserts.true(env, "all_wheels = [\n    Label(\"//everywhere:everywhere\"),\n]\n" in requirements_bzl("w", packages, 2))
    root = root_build("w", packages, ["3.11", "3.12"], ["linux_x86_64"])
    asserts.true(env, "\"//_config:cp311_linux_x86_64\": [\"//everywhere\"],\n" in root, root)
    asserts.true(env, "\"//_config:cp312_linux_x86_64\": [\"//everywhere\", \"//some\"],\n" in root, root)
    asserts.true(env, "\nexports_files([\"lock.json\"])\n" in root, root)
    return unittest.end(env)

lists_test = unittest.make(_lists_impl)

def hub_files_test_suite(name):
    unittest.suite(name, package_test, lists_test)
