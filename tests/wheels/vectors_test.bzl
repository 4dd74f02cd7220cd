"""The examples of the specifications, and the names of wheels that people publish, in Starlark."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:markers.bzl", "evaluate_marker")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:names.bzl", "normalize_name")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:platforms.bzl", "DEFAULT_NEWEST", "marker_environment")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:tags.bzl", "wheel_tags")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:versions.bzl", "ORDER_OPERATORS", "compare_version", "parse_version")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:wheel_names.bzl", "parse_wheel_name")  # buildifier: disable=bzl-visibility
load("//tests/wheels/vectors:markers.bzl", "MARKERS")
load("//tests/wheels/vectors:versions.bzl", "ASCENDING", "NAMES", "SAME", "SPECIFIERS")
load("//tests/wheels/vectors:wheel_names.bzl", "PUBLISHED", "SPECIFIED")

visibility("private")

_PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.14t"]

_SETS = {
    "all": _PYTHONS,
    "gil": _PYTHONS[:4],
    "none": [],
}

def _rows(text):
    return [line.split(" ") for line in text.strip("\n").split("\n")]

def _wheel_names_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, 49, len(_rows(PUBLISHED)))
    for file, name, version, pythons in _rows(PUBLISHED) + _rows(SPECIFIED):
        wheel, error = parse_wheel_name(file)
        asserts.equals(env, None, error, file)
        asserts.equals(env, (name, version), (wheel.name, wheel.version), file)
        for platform in ["linux_x86_64", "linux_aarch64"]:
            expected = _SETS.get(pythons, [pythons])
            if platform == "linux_aarch64" and not file.endswith("-any.whl"):
                expected = ["3.12"] if file.endswith("_aarch64.whl") else []
            found = []
            for python in _PYTHONS:
                ranks = wheel_tags(python, platform, DEFAULT_NEWEST).ranks
                if [tag for tag in wheel.tags if tag in ranks]:
                    found.append(python)
            asserts.equals(env, expected, found, file + " " + platform)
    return unittest.end(env)

wheel_names_test = unittest.make(_wheel_names_impl)

def _split(specifier):
    for operator in ORDER_OPERATORS:
        if specifier.startswith(operator):
            return operator, specifier.removeprefix(operator)
    return None, specifier

def _versions_impl(ctx):
    env = unittest.begin(ctx)
    for line in _rows(ASCENDING):
        for i in range(len(line) - 1):
            older, newer = parse_version(line[i]), parse_version(line[i + 1])
            asserts.true(env, older.key < newer.key, line[i] + " < " + line[i + 1])
    for line in _rows(SAME):
        for text in line:
            asserts.equals(env, parse_version(line[0]).key, parse_version(text).key, text)
    for version, specifiers, expected in _rows(SPECIFIERS):
        answers = []
        for specifier in specifiers.split(","):
            operator, text = _split(specifier)
            answer, error = compare_version(parse_version(version), operator, text)
            asserts.equals(env, None, error, specifier)
            answers.append(answer)
        asserts.equals(env, expected, "yes" if all(answers) else "no", version + " " + specifiers)
    for name, expected in _rows(NAMES):
        asserts.equals(env, expected, normalize_name(name))
    return unittest.end(env)

versions_test = unittest.make(_versions_impl)

def _markers_impl(ctx):
    env = unittest.begin(ctx)
    environment = marker_environment("3.11", "linux_x86_64")
    for line in MARKERS.strip("\n").split("\n"):
        expected, _, marker = line.partition(" ")
        asserts.equals(env, (expected == "yes", None), evaluate_marker(marker, environment), marker)
    return unittest.end(env)

markers_test = unittest.make(_markers_impl)

def vectors_test_suite(name):
    unittest.suite(name, wheel_names_test, versions_test, markers_test)
