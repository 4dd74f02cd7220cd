"""Tests of plans and of the text of generated files, and one of 200 variants."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/variants:hub_files.bzl", "config_build", "install_bzl", "root_build")  # buildifier: disable=bzl-visibility
load("//rules/private/variants:plan.bzl", "plan_variants", "repository_name")  # buildifier: disable=bzl-visibility

visibility("private")

_SHA = "ab" * 32
_ROWS = [
    {
        "format": "tar.gz",
        "name": "cpu",
        "platform": "linux-x86_64",
        "sha256": _SHA,
        "urls": ["https://example.invalid/cpu"],
    },
    {"name": "cuda-sm90", "not_available": "never 'built'", "platform": "linux-x86_64"},
    {
        "format": "tar.gz",
        "name": "cpu",
        "parts": [{"sha256": _SHA, "urls": ["https://example.invalid/part0"]}],
        "platform": "linux-aarch64",
        "sha256": _SHA,
    },
    {"name": "cuda-sm90", "not_available": "no machine", "platform": "macos-aarch64"},
]

def _text(rows, **more):
    return json.encode({"lock_version": 1, "variants": rows, "version": "1.0"} | more)

def _plan_impl(ctx):
    env = unittest.begin(ctx)
    lock, archives, error = plan_variants("demo", _text(_ROWS), "L", ["cuda-sm90", "cpu"])
    asserts.equals(env, None, error)
    asserts.equals(env, _ROWS, lock["variants"])
    asserts.equals(env, ["demo__linux-x86_64__cpu", "demo__linux-aarch64__cpu"], [archive.name for archive in archives])

    # The name of the artifact, or that of the hub. An archive in parts has its urls in the row.
    asserts.equals(env, ["demo", "demo"], [archive.artifact for archive in archives])
    asserts.equals(env, [["https://example.invalid/cpu"], []], [archive.urls for archive in archives])
    asserts.equals(env, _ROWS[2], json.decode(archives[1].row))
    _, archives, _ = plan_variants("demo", _text(_ROWS, artifact = "other"), "L", [])
    asserts.equals(env, ["other", "other"], [archive.artifact for archive in archives])
    return unittest.end(env)

plan_test = unittest.make(_plan_impl)

def _refused_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(
        env,
        (None, None, "error: variants.artifact: demo: chain: got \"gpu\", expected one of cpu, cuda-sm90"),
        plan_variants("demo", _text(_ROWS), "L", ["cpu", "gpu"]),
    )
    asserts.equals(
        env,
        (None, None, "error: variants lock: L: got lock_version 2, expected 1"),
        plan_variants("demo", _text(_ROWS, lock_version = 2), "L", []),
    )
    return unittest.end(env)

refused_test = unittest.make(_refused_impl)

def _contains(env, text, *parts):
    for part in parts:
        asserts.true(env, part in text, "no {} in {}".format(part, text))

def _files_impl(ctx):
    env = unittest.begin(ctx)
    lock, archives, _ = plan_variants("demo", _text(_ROWS), "L", [])
    root = root_build("demo", lock, "L", struct(chain = ["cpu"], devices = "all", fallback = True))
    _contains(
        env,
        root,
        """alias(
    name = "artifact",
    actual = select({
        "//_config:row_0": "@demo__linux-x86_64__cpu//:artifact",
        "//_config:row_2": "@demo__linux-aarch64__cpu//:artifact",
    }),
)
""",
        # Only rows that exist can be chosen; a row that does not is still a target, which says why.
        """alias(
    name = "cuda-sm90",
    actual = select({
        "//_config:linux-x86_64": "//_config:missing_1",
        "//_config:macos-aarch64": "//_config:missing_3",
    }, no_match_error = "error: variant: @demo//:cuda-sm90: got a platform without a row in the lock, expected one of \
linux-x86_64, macos-aarch64"),
)
""",
        "    chain = [\"cpu\"],\n    devices = \"all\",\n    fallback = True,\n",
    )
    config = config_build("demo", lock)
    _contains(
        env,
        config,
        "config_setting(\n    name = \"row_0\",\n    flag_values = {\"//:choice\": \"row_0\"},\n)\n",
        """variant_not_available(
    name = "missing_1",
    message = "error: variant not available: @demo//:cuda-sm90 (linux-x86_64): got 'never 'built'', expected one of \
cpu\\nhint: @demo//:artifact falls back among them",
)
""",
        # A platform on which nothing exists.
        "(macos-aarch64): got 'no machine', expected one of none\\nhint: ",
    )
    asserts.false(env, "row_1" in config, config)
    _contains(env, install_bzl("demo", archives), "    archive_repository(name = \"demo__linux-x86_64__cpu\", artifact = \"demo\", names = [\"cpu\"], row = ")
    _contains(env, install_bzl("demo", []), "def install_variants():\n", "\n    pass\n")
    return unittest.end(env)

files_test = unittest.make(_files_impl)

def _many_impl(ctx):
    env = unittest.begin(ctx)
    rows = [_ROWS[0] | {"name": "cpu-{}".format(i)} for i in range(200)]
    lock, archives, error = plan_variants("many", _text(rows), "L", ["cpu-199"])
    asserts.equals(env, None, error)
    asserts.equals(env, 200, len(archives))
    asserts.equals(env, "many__linux-x86_64__cpu-199", repository_name("many", rows[199]))
    root = root_build("many", lock, "L", struct(chain = [], devices = "all", fallback = True))
    asserts.equals(env, 200, root.count("        \"//_config:row_"))
    asserts.equals(env, 200, config_build("many", lock).count("\nconfig_setting(\n    name = \"row_"))
    asserts.equals(env, 200, install_bzl("many", archives).count("    archive_repository(name = "))
    return unittest.end(env)

many_test = unittest.make(_many_impl)

def hub_test_suite(name):
    """Declares the tests.

    Args:
      name: of the suite.
    """
    unittest.suite(name, plan_test, refused_test, files_test, many_test)
