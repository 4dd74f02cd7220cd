"""Releases: builds, archives, requests, and what is refused."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:release.bzl", "variant", "variant_release")

visibility("private")

def _request_lines(action):
    return [json.decode(argument) for argument in action.argv if argument.startswith("{")]

def _actions(env, mnemonic):
    return [action for action in analysistest.target_actions(env) if action.mnemonic == mnemonic]

def _merged(lines, kind):
    """Scalars and objects of a request; its lists of one are joined."""
    fields = {}
    for line in lines:
        for key, value in line[kind].items():
            fields[key] = fields.get(key, []) + value if type(value) == "list" else value
    return fields

def _release_impl(ctx):
    env = analysistest.begin(ctx)
    archives = [action.outputs.to_list()[0].basename for action in _actions(env, "ReleaseArchive")]
    asserts.equals(
        env,
        [
            "infer-linux-x86_64-cpu.tar.zst",
            "infer-linux-x86_64-cuda-sm90.tar.zst",
            "infer-linux-x86_64-own.tar.zst",
            "infer-linux-aarch64-cpu.tar.zst",
            "infer-linux-aarch64-own.tar.zst",
        ],
        archives,
    )
    rows = [_merged(_request_lines(action), "row")["declared"] for action in _actions(env, "ReleaseRow")]
    asserts.equals(
        env,
        {
            "format": "tar.zst",
            "name": "cuda-sm90",
            "platform": "linux-x86_64",
            "properties": {"accelerator": "cuda", "cubins": ["sm_90a"], "cuda": "13.0", "ptx": []},
            "strip_prefix": "infer",
        },
        rows[1],
    )

    lock = _merged(_request_lines(_actions(env, "ReleaseLock")[0]), "lock")
    asserts.equals(
        env,
        {
            "artifact": "infer",
            "lock_version": 1,
            "url_template": "https://example.invalid/{artifact}/{version}/{archive}",
            "version": "",
        },
        lock["lock"],
    )
    asserts.equals(env, "STABLE_VERSION", lock["status_key"])
    asserts.equals(env, 6, len(lock["rows"]))
    asserts.equals(
        env,
        {
            "name": "cuda-sm90",
            "not_available": "no such machine",
            "platform": "linux-aarch64",
            "properties": {"accelerator": "cuda", "cubins": ["sm_90a"], "cuda": "13.0", "ptx": []},
        },
        lock["rows"][4]["absent"],
    )

    # Archives know nothing of the version.
    status = [action for action in analysistest.target_actions(env) if "stable-status.txt" in [f.basename for f in action.inputs.to_list()]]
    asserts.equals(env, ["ReleaseLock"], [action.mnemonic for action in status])
    return analysistest.end(env)

_release_test = analysistest.make(_release_impl)

def _content_impl(ctx):
    env = analysistest.begin(ctx)
    lines = _request_lines(_actions(env, "ReleaseArchive")[0])
    files = [line["layer"]["files"][0] for line in lines if "files" in line["layer"]]
    runfiles = "bin/program.runfiles/{}/tests/release/".format(ctx.workspace_name)
    asserts.equals(
        env,
        [
            ("bin/program", "0755"),
            (runfiles + "notes.txt", "0755"),
            ("bin/program.runfiles/{}/links/data.txt".format(ctx.workspace_name), "0755"),
            ("bin/program.runfiles/root_link.txt", "0755"),
            ("share/doc/notes.txt", "0644"),
            ("README", "0644"),
        ],
        [(file["path"], file["mode"]) for file in files if file["type"] == "FILE"],
    )
    return analysistest.end(env)

_content_test = analysistest.make(_content_impl)

def _failure_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.message)
    return analysistest.end(env)

_failure_test = analysistest.make(
    _failure_impl,
    attrs = {"message": attr.string(doc = "Part of the message that analysis must fail with.", mandatory = True)},
    expect_failure = True,
)

# Name -> attributes, and what is said.
_BAD = {
    "no_program": (
        {"binary": ":program_files", "variants": ["cpu"]},
        "binary: got //tests/release:program_files, expected a program",
    ),
    "platform": (
        {"platforms": {"linux-x86_64": ":linux-aarch64"}, "variants": ["cpu"]},
        "//tests/release:linux-aarch64 as linux-x86_64, expected linux-aarch64",
    ),
    "several_files": (
        {"files": {":program_files": "README"}, "variants": ["cpu"]},
        "got 2 files for \"README\", expected one, or a directory as \"share/\"",
    ),
}

def release_test_suite(name, program):
    """Tests of variant_release.

    Args:
      name: name of the suite.
      program: a target of the fixture `program`.
    """
    variant_release(
        name = "_release",
        artifact = "infer",
        binary = program,
        cuda_version = "13.0",
        format = "tar.zst",
        not_available = {"cuda-sm90@linux-aarch64": "no such machine"},
        platforms = [":linux-x86_64", ":linux-aarch64"],
        prefix = "infer",
        tags = ["manual"],
        variants = ["cpu", "cuda-sm90", variant("own", archs = ["sm_86", "compute_86"])],
        version_key = "STABLE_VERSION",
    )
    _release_test(name = "release_split_test", target_under_test = ":_release")
    variant_release(
        name = "_content",
        binary = program,
        files = {":notes.txt": "share/doc/", ":program_notes": "README"},
        tags = ["manual"],
        variants = ["cpu"],
    )
    native.filegroup(name = "program_notes", srcs = ["notes.txt"])
    native.filegroup(name = "program_files", srcs = ["BUILD.bazel", "notes.txt"])
    _content_test(name = "release_content_test", target_under_test = ":_content")
    tests = ["release_split_test", "release_content_test"]
    for case, (attributes, message) in _BAD.items():
        variant_release(
            name = "_bad_" + case,
            tags = ["manual"],
            **({"binary": program} | attributes)
        )
        _failure_test(
            name = "release_bad_{}_test".format(case),
            message = message,
            target_under_test = ":_bad_" + case,
        )
        tests.append("release_bad_{}_test".format(case))
    native.test_suite(name = name, tests = tests)
