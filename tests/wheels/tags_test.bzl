"""Tests of wheel names, tags and the choice among wheels."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:choose_wheel.bzl", "choose_wheel", "explain_wheels")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:platforms.bzl", "DEFAULT_NEWEST")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:tags.bzl", "platform_tags", "wheel_tags")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:wheel_names.bzl", "parse_wheel_name")  # buildifier: disable=bzl-visibility

visibility("private")

def _names_impl(ctx):
    env = unittest.begin(ctx)
    for file, (name, version, build, tags, variant) in {
        "A.b_C-1.0+cu12-cp311-cp311-linux_x86_64.whl": ("a-b-c", "1.0+cu12", None, ["cp311-cp311-linux_x86_64"], ""),
        "a-1-12b-py3-none-any.whl": ("a", "1", (12, "b"), ["py3-none-any"], ""),
        "a-1-2-py3-none-any-null.whl": ("a", "1", (2, ""), ["py3-none-any"], "null"),
        "a-1-py2.py3-none-any-x8664v3_cu.12.whl": ("a", "1", None, ["py2-none-any", "py3-none-any"], "x8664v3_cu.12"),
    }.items():
        found, error = parse_wheel_name(file)
        asserts.equals(env, None, error)
        asserts.equals(env, struct(build = build, name = name, tags = tags, variant = variant, version = version), found)
    for file in ["a.whl", "a-1-py3-none.whl", "a-1-x-py3-none-any-null.whl", "a-1-py3-none-any-NULL.whl", "a-1-py3-none-any.zip", "a-1-1-py3-none.whl", "a--py3-none-any.whl"]:
        asserts.equals(
            env,
            (None, "got '{}', expected the name of a wheel, name-version-python-abi-platform.whl".format(file)),
            parse_wheel_name(file),
        )
    return unittest.end(env)

names_test = unittest.make(_names_impl)

# Platform -> the first and the last of its tags.
_PLATFORM_TAGS = {
    "linux_aarch64": ("manylinux_2_39_aarch64 manylinux_2_38_aarch64", "manylinux_2_17_aarch64 manylinux2014_aarch64 linux_aarch64"),
    "linux_x86_64": (
        "manylinux_2_39_x86_64 manylinux_2_38_x86_64",
        "manylinux_2_6_x86_64 manylinux_2_5_x86_64 manylinux1_x86_64 linux_x86_64",
    ),
    "linux_x86_64_musl": ("musllinux_1_2_x86_64 musllinux_1_1_x86_64", "musllinux_1_0_x86_64 linux_x86_64"),
    "macos_aarch64": ("macosx_14_0_arm64 macosx_14_0_universal2 macosx_13_0_arm64", "macosx_10_5_universal2 macosx_10_4_universal2"),
    "macos_x86_64": ("macosx_14_0_x86_64 macosx_14_0_intel", "macosx_10_4_universal2 macosx_10_4_universal"),
    "windows_aarch64": ("win_arm64", "win_arm64"),
    "windows_x86_64": ("win_amd64", "win_amd64"),
}

def _platforms_impl(ctx):
    env = unittest.begin(ctx)
    for platform, (first, last) in _PLATFORM_TAGS.items():
        tags = " ".join(platform_tags(platform, DEFAULT_NEWEST))
        asserts.true(env, tags.startswith(first), tags)
        asserts.true(env, tags.endswith(last), tags)
    tags = platform_tags("linux_x86_64", DEFAULT_NEWEST | {"glibc": "2.17"})
    asserts.equals(env, ["manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_16_x86_64"], tags[:3])
    return unittest.end(env)

platforms_test = unittest.make(_platforms_impl)

def _ranks_impl(ctx):
    env = unittest.begin(ctx)

    # One platform tag: the whole order is short enough to read.
    asserts.equals(env, [
        "cp311-cp311-win_amd64",
        "cp311-abi3-win_amd64",
        "cp311-none-win_amd64",
    ] + ["cp3{}-abi3-win_amd64".format(minor) for minor in range(10, 1, -1)] + [
        "py311-none-win_amd64",
        "py3-none-win_amd64",
    ] + ["py3{}-none-win_amd64".format(minor) for minor in range(10, -1, -1)] + [
        "cp311-none-any",
        "py311-none-any",
        "py3-none-any",
    ] + ["py3{}-none-any".format(minor) for minor in range(10, -1, -1)], list(wheel_tags("3.11", "windows_x86_64", DEFAULT_NEWEST).ranks))

    # No stable ABI for a free-threaded python before 3.15.
    threaded = wheel_tags("3.14t", "windows_x86_64", DEFAULT_NEWEST)
    asserts.equals(env, {"cp314t": None, "none": None}, threaded.abis)
    asserts.equals(env, {"abi3t": None, "cp315t": None, "none": None}, wheel_tags("3.15t", "windows_x86_64", DEFAULT_NEWEST).abis)
    return unittest.end(env)

ranks_test = unittest.make(_ranks_impl)

_MANY = "manylinux_2_17_x86_64.manylinux2014_x86_64"

# (python, platform, tags of the wheels) -> the chosen one.
_CHOICES = {
    ("3.11", "linux_x86_64", "cp312-cp312-linux_x86_64"): None,
    ("3.11", "linux_x86_64", "py2.py3-none-any cp38-abi3-" + _MANY): "cp38-abi3-" + _MANY,
    ("3.11", "linux_x86_64", "cp38-abi3-linux_x86_64 cp310-abi3-linux_x86_64"): "cp310-abi3-linux_x86_64",
    ("3.11", "linux_x86_64", "cp310-cp310-linux_x86_64 cp312-abi3-linux_x86_64"): None,
    ("3.11", "linux_x86_64", "cp311-cp311-musllinux_1_2_x86_64 cp311-cp311-manylinux_2_17_aarch64"): None,
    ("3.11", "linux_x86_64", "cp311-cp311-manylinux_2_40_x86_64 cp311-cp311-manylinux1_x86_64"): "cp311-cp311-manylinux1_x86_64",
    ("3.11", "linux_x86_64", "cp311-cp311-{} cp311-cp311-manylinux_2_28_x86_64".format(_MANY)): "cp311-cp311-manylinux_2_28_x86_64",
    ("3.11", "linux_x86_64", "cp311-cp311-linux_x86_64 py3-none-any"): "cp311-cp311-linux_x86_64",
    ("3.11", "linux_x86_64", "1-py3-none-any 10-py3-none-any 9-py3-none-any"): "10-py3-none-any",
    ("3.11", "linux_x86_64", "1-py3-none-any 1a-py3-none-any py3-none-any"): "1a-py3-none-any",
    ("3.11", "linux_x86_64", "py3-none-any py3-none-any-cu12 py3-none-any-null"): "py3-none-any-null",
    ("3.11", "linux_x86_64", "py3-none-any-cu12"): None,
    ("3.11", "linux_x86_64_musl", "cp311-cp311-{} cp311-cp311-musllinux_1_1_x86_64".format(_MANY)): "cp311-cp311-musllinux_1_1_x86_64",
    ("3.11", "macos_aarch64", "cp311-cp311-macosx_11_0_universal2 cp311-cp311-macosx_11_0_arm64"): "cp311-cp311-macosx_11_0_arm64",
    ("3.11", "macos_aarch64", "cp311-cp311-macosx_10_9_universal2 cp311-cp311-macosx_15_0_arm64"): "cp311-cp311-macosx_10_9_universal2",
    ("3.11", "macos_x86_64", "cp311-cp311-macosx_11_0_arm64"): None,
    ("3.13", "linux_x86_64", "cp313-cp313t-linux_x86_64"): None,
    ("3.13t", "linux_x86_64", "cp313-cp313-linux_x86_64 cp38-abi3-linux_x86_64"): None,
    ("3.13t", "linux_x86_64", "cp313-cp313-linux_x86_64 cp313-cp313t-linux_x86_64"): "cp313-cp313t-linux_x86_64",
    ("3.14", "windows_aarch64", "cp314-cp314-win_amd64 cp314-cp314-win_arm64"): "cp314-cp314-win_arm64",
}

def _choices_impl(ctx):
    env = unittest.begin(ctx)
    for (python, platform, wheels), expected in _CHOICES.items():
        wheels = wheels.split(" ")

        # The order of the lock changes nothing.
        for order in [wheels, wheels[::-1]]:
            names = [parse_wheel_name("a-1-{}.whl".format(wheel))[0] for wheel in order]
            best = choose_wheel(names, wheel_tags(python, platform, DEFAULT_NEWEST))
            asserts.equals(env, expected, order[best] if best >= 0 else None, str((python, platform, order)))
    return unittest.end(env)

choices_test = unittest.make(_choices_impl)

def _reasons_impl(ctx):
    env = unittest.begin(ctx)
    reasons = {
        "cp311-cp311-linux_aarch64": "other platform: linux_aarch64",
        "cp311-cp311-manylinux_2_17_x86_64": "chosen: fits by cp311-cp311-manylinux_2_17_x86_64",
        "cp311-cp311t-linux_x86_64": "other abi: cp311t",
        "cp312-cp312-linux_x86_64": "other python: cp312",
        "py3-abi3-any": "other combination: py3-abi3-any",
        "py3-none-any": "fits by py3-none-any, which is not the best",
        "py3-none-any-cu12": "variant 'cu12': what it needs is not known here",
    }
    names = [parse_wheel_name("a-1-{}.whl".format(tag))[0] for tag in reasons] + [None]
    found = explain_wheels(names, wheel_tags("3.11", "linux_x86_64", DEFAULT_NEWEST))
    asserts.equals(env, reasons.values() + ["not the name of a wheel"], found)
    return unittest.end(env)

reasons_test = unittest.make(_reasons_impl)

def tags_test_suite(name):
    unittest.suite(name, names_test, platforms_test, ranks_test, choices_test, reasons_test)
