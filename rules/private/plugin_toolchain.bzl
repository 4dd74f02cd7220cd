"""`plugin_toolchain`: registers a plugin for a kind of work."""

load("//rules/private:plugin_info.bzl", "CAPABILITY_REQUIREMENTS", "PluginInfo")

visibility(["//rules/..."])

# Kinds whose toolchain type is in this repository.
_KINDS = ["layer", "model", "release", "select", "wheel"]

def _plugin_toolchain_info_impl(ctx):
    return [platform_common.ToolchainInfo(plugin = PluginInfo(
        kind = ctx.attr.kind,
        files_to_run = ctx.attr.plugin[DefaultInfo].files_to_run,
        capabilities = ctx.attr.capabilities,
    ))]

_plugin_toolchain_info = rule(
    implementation = _plugin_toolchain_info_impl,
    doc = "The toolchain behind a plugin_toolchain: carries PluginInfo as `plugin`.",
    attrs = {
        "capabilities": attr.string_list(
            doc = "What the plugin says of itself in `--describe`, of: {}.".format(", ".join(sorted(CAPABILITY_REQUIREMENTS))),
        ),
        "kind": attr.string(mandatory = True, doc = "Kind of work."),
        "plugin": attr.label(
            mandatory = True,
            executable = True,
            # A plugin runs in actions, so it is built for the machine they run on.
            cfg = "exec",
            doc = "The plugin's program.",
        ),
    },
)

def plugin_toolchain(
        name,
        kind,
        plugin,
        toolchain_type = None,
        capabilities = [],
        exec_compatible_with = [],
        target_compatible_with = [],
        target_settings = [],
        tags = []):
    """Declares a plugin as toolchain. Register it with `register_toolchains("//:NAME")`.

    Bazel takes the first registered toolchain that fits the execution platform, so a plugin that is registered in the
    root module, or before `rules_inference_dependencies()` in WORKSPACE mode, replaces the default one of its kind.

    Args:
      name: Name of the toolchain to register; `NAME_info` is the target behind it.
      kind: Kind of work: layer, model, release, select, wheel, or one of your own.
      plugin: Label of the plugin, an executable built on `@rules_inference//plugins/sdk:plugin`.
      toolchain_type: Label of the toolchain type; needed for a kind of your own only.
      capabilities: What the plugin can do, as in its `--describe`: `multiplex` and `cancellation` let workers serve several
        actions at once and drop those nobody waits for, `sandboxing` lets them do so with sandboxed inputs.
      exec_compatible_with: Constraints of the machine that runs the plugin. Default: any.
      target_compatible_with: Constraints of the platform that the output is for. Default: any.
      target_settings: config_settings that must hold for the target. Default: none.
      tags: Tags of both targets.
    """
    if not toolchain_type:
        if kind not in _KINDS:
            fail("plugin_toolchain {}: kind: got {} without toolchain_type, expected one of {}, or toolchain_type = {}".format(
                repr(name),
                repr(kind),
                _KINDS,
                "the label of your own toolchain_type()",
            ))
        toolchain_type = Label("//toolchains/{}:toolchain_type".format(kind))
    _plugin_toolchain_info(
        name = name + "_info",
        capabilities = capabilities,
        kind = kind,
        plugin = plugin,
        tags = tags,
        visibility = ["//visibility:public"],
    )
    native.toolchain(
        name = name,
        exec_compatible_with = exec_compatible_with,
        tags = tags,
        target_compatible_with = target_compatible_with,
        target_settings = target_settings,
        toolchain = ":{}_info".format(name),
        toolchain_type = toolchain_type,
        visibility = ["//visibility:public"],
    )
