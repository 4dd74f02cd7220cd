"""Analysis tests of `plugin_toolchain` and `PluginInfo`."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:plugin.bzl", "PluginInfo")

visibility("private")

_LAYER = "//toolchains/layer:toolchain_type"

def _resolved_impl(ctx):
    return [ctx.toolchains[_LAYER].plugin]

_resolved = rule(
    implementation = _resolved_impl,
    doc = "The plugin that toolchain resolution finds.",
    toolchains = [_LAYER],
)

def _made_impl(ctx):
    return [PluginInfo(
        kind = ctx.attr.kind,
        files_to_run = ctx.attr.plugin[DefaultInfo].files_to_run,
        capabilities = ctx.attr.capabilities,
    )]

_made = rule(
    implementation = _made_impl,
    doc = "Makes a PluginInfo of its attributes.",
    attrs = {
        "capabilities": attr.string_list(doc = "For PluginInfo."),
        "kind": attr.string(doc = "For PluginInfo."),
        "plugin": attr.label(allow_files = True, doc = "For PluginInfo."),
    },
)

def _resolved_test_impl(ctx):
    env = analysistest.begin(ctx)
    plugin = analysistest.target_under_test(env)[PluginInfo]
    asserts.equals(env, "layer", plugin.kind)
    asserts.equals(env, ("cancellation", "multiplex", "sandboxing"), plugin.capabilities)
    asserts.equals(env, "layer", plugin.executable.basename)
    asserts.equals(env, plugin.files_to_run.executable, plugin.executable)
    return analysistest.end(env)

_resolved_test = analysistest.make(_resolved_test_impl)

def _failure_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.message)
    return analysistest.end(env)

_failure_test = analysistest.make(
    _failure_test_impl,
    expect_failure = True,
    attrs = {"message": attr.string(doc = "Text of the failure.")},
)

# Name -> attributes of PluginInfo, and how it refuses them.
_BAD = {
    "capability": (
        {"capabilities": ["multiplex", "telepathy"], "kind": "layer", "plugin": "//plugins/layer"},
        "PluginInfo: capabilities of kind \"layer\": got [\"telepathy\"], expected some of [\"cancellation\", \"multiplex\", \"sandboxing\"]",
    ),
    "kind": (
        {"kind": "Layer", "plugin": "//plugins/layer"},
        "PluginInfo: kind: got \"Layer\", expected a lower-case word such as \"layer\"",
    ),
    "plugin": (
        {"kind": "layer", "plugin": ":no_program"},
        "PluginInfo: files_to_run of kind \"layer\": got ",
    ),
}

def plugin_toolchain_test_suite(name):
    """All tests of this file.

    Args:
      name: Name of the test_suite.
    """
    native.filegroup(name = "no_program")
    _resolved(name = "resolved", tags = ["manual"])
    _resolved_test(name = "resolved_test", target_under_test = ":resolved")
    for what, (attrs, message) in _BAD.items():
        _made(name = "bad_" + what, tags = ["manual"], **attrs)
        _failure_test(name = "bad_{}_test".format(what), message = message, target_under_test = ":bad_" + what)
    native.test_suite(
        name = name,
        tests = [":resolved_test"] + [":bad_{}_test".format(what) for what in _BAD],
    )
