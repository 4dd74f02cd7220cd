"""Which release of the toolkit a build uses, as a value that config_setting() can look at."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//rules/private/wheels:errors.bzl", "error_text")

# Hub repositories load this.
visibility("public")

def _cuda_choice_impl(ctx):
    wanted = ctx.attr._version[BuildSettingInfo].value
    if wanted and wanted not in ctx.attr.versions:
        fail("\n" + error_text(
            "cuda",
            "--@rules_inference//rules:cuda_version",
            "'{}'".format(wanted),
            "one of " + ", ".join(ctx.attr.versions),
            "declare it with cuda.toolkit(version = \"{}\")".format(wanted),
        ))
    return [config_common.FeatureFlagInfo(value = wanted or ctx.attr.versions[0])]

cuda_choice = rule(
    implementation = _cuda_choice_impl,
    doc = "The release of the toolkit.",
    attrs = {
        "versions": attr.string_list(mandatory = True, doc = "Declared releases; the first one when none is asked for."),
        "_version": attr.label(default = "//rules:cuda_version", providers = [BuildSettingInfo]),
    },
)
