"""The choice of a variant in analysis, as a value that config_setting() can look at, and its explanation."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//rules/private:layer_action.bzl", "MAPPED_PATHS", "add_path")
load("//rules/private:plugin_action.bzl", "plugin_args", "run_plugin")
load(":archive.bzl", "SELECT_TOOLCHAIN_TYPE")
load(":host.bzl", "HostInfo")
load(":platforms.bzl", "PLATFORM_ATTRS", "target_platform")
load(":select.bzl", "select_variant")

# Hub repositories load this.
visibility("public")

_ATTRS = PLATFORM_ATTRS | {
    "chain": attr.string_list(doc = "Names to try after the requested one; empty: what fits best."),
    "devices": attr.string(doc = "`all`, `any`, or empty for the flag's."),
    "fallback": attr.bool(default = True, doc = "False: the first name of the chain or none."),
    "lock": attr.string(mandatory = True, doc = "The lock, as JSON."),
    "request": attr.label(providers = [BuildSettingInfo], doc = "The hub's own flag; empty: the flag for all artifacts."),
    "where": attr.string(mandatory = True, doc = "Label of the lock, for messages."),
    "_devices": attr.label(default = "//rules:devices"),
    "_fallback": attr.label(default = "//rules:variant_fallback"),
    "_host": attr.label(default = "//rules:host", providers = [HostInfo]),
    "_request": attr.label(default = "//rules:variant"),
}

def _request(ctx):
    """Returns a SelectRequest as dict."""
    platform = target_platform(ctx)
    request = {
        "chain": ctx.attr.chain,
        "devices": "ANY_DEVICE" if (ctx.attr.devices or ctx.attr._devices[BuildSettingInfo].value) == "any" else "ALL_DEVICES",
        "lock": json.decode(ctx.attr.lock),
        "no_fallback": not (ctx.attr.fallback and ctx.attr._fallback[BuildSettingInfo].value),
        "platform": platform,
        "request": ctx.attr.request[BuildSettingInfo].value or ctx.attr._request[BuildSettingInfo].value,
    }

    # A descriptor of another machine than the one that is built for says nothing; a tool of the build, for one, is built
    # for the machine that builds.
    host = ctx.attr._host[HostInfo].descriptor
    if host != None and host.get("platform", platform) == platform:
        request["host"] = host | {"platform": platform}
    return request

def _variant_choice_impl(ctx):
    answer = select_variant(_request(ctx))
    if answer.error:
        fail("\n{}\nhint: lock {}; --{} and --{} say what is asked for and for which machine".format(
            answer.error,
            ctx.attr.where,
            ctx.attr._request.label,
            "@rules_inference//rules:host",
        ))
    return [config_common.FeatureFlagInfo(value = "row_{}".format(answer.row))]

variant_choice = rule(
    implementation = _variant_choice_impl,
    doc = "The chosen row of a lock, `row_N`, as a value for config_setting().",
    attrs = _ATTRS,
)

def _variant_explain_impl(ctx):
    request = _request(ctx)
    answer = select_variant(request)
    text = ctx.actions.declare_file(ctx.label.name + ".txt")
    data = ctx.actions.declare_file(ctx.label.name + ".json")
    args = plugin_args(ctx)
    add_path(args, '{"select":{"explain_output":%s}}', text)
    add_path(args, '{"select":{"answer_output":%s}}', data)

    # The plugin answers anew: that both agree is a part of every build of this target.
    args.add(json.encode({"select": {"expected": answer.chosen or "(none)", "select": request}}))
    run_plugin(
        ctx,
        toolchain_type = SELECT_TOOLCHAIN_TYPE,
        args = args,
        inputs = [],
        outputs = [text, data],
        mnemonic = "VariantExplain",
        progress_message = "Explaining %{label}",
        execution_requirements = MAPPED_PATHS,
    )

    # `bazel run @hub//:explain` shows it.
    show = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(show, '#!/bin/sh\nexec cat -- "${0%/*}/' + text.basename + '"\n', is_executable = True)
    return [
        DefaultInfo(executable = show, files = depset([text]), runfiles = ctx.runfiles([text])),
        OutputGroupInfo(json = depset([data])),
    ]

variant_explain = rule(
    implementation = _variant_explain_impl,
    doc = "Why which variant is chosen: a text, which `bazel run` prints, and the same as JSON in the output group `json`.",
    executable = True,
    attrs = _ATTRS,
    toolchains = [SELECT_TOOLCHAIN_TYPE],
)

def _variant_not_available_impl(ctx):
    fail("\n" + ctx.attr.message)

variant_not_available = rule(
    implementation = _variant_not_available_impl,
    doc = "A named variant that the lock has no archive of; says so when a build wants it.",
    attrs = {"message": attr.string(mandatory = True, doc = "What the user reads.")},
)
