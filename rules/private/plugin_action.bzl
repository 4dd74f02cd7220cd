"""Runs a plugin in an action, for the rules of any kind of plugin."""

load("//rules/private:plugin_info.bzl", "CAPABILITY_REQUIREMENTS")

visibility(["//rules/..."])

def plugin_args(ctx):
    """Args that reach a plugin as a params file, one JSON fragment of the request a line.

    Args:
      ctx: rule context.

    Returns:
      Args.
    """
    args = ctx.actions.args()

    # Always a file: workers need one, and a request then looks the same however long it is.
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    return args

def _requirements(plugin, own):
    # Bazel 7 starts a worker in the real execution root, where stripped paths do not exist; shared cache entries are
    # worth more than a saved process start.
    if "supports-path-mapping" in own:
        return {}
    requirements = {"requires-worker-protocol": "proto", "supports-workers": "1"}
    for capability in plugin.capabilities:
        requirements[CAPABILITY_REQUIREMENTS[capability]] = "1"
    return requirements

def run_plugin(
        ctx,
        *,
        toolchain_type,
        args,
        inputs,
        outputs,
        mnemonic,
        progress_message = None,
        execution_requirements = {},
        resource_set = None):
    """Runs the plugin that the toolchain resolution found, as a worker where the strategy of the build allows it.

    Args:
      ctx: context of a rule with `toolchains = [toolchain_type]`.
      toolchain_type: label or string of the toolchain type, as in the rule.
      args: Args of `plugin_args` with the request.
      inputs: list or depset of Files.
      outputs: list of Files.
      mnemonic: of the action; also the name in `--strategy=MNEMONIC=worker`.
      progress_message: of the action, or None for Bazel's.
      execution_requirements: dict; added to what the capabilities of the plugin stand for, and wins. With
        `supports-path-mapping` the plugin does not run as a worker.
      resource_set: function, or None.
    """
    plugin = ctx.toolchains[toolchain_type].plugin
    ctx.actions.run(
        executable = plugin.files_to_run,
        arguments = [args],
        inputs = inputs,
        outputs = outputs,
        mnemonic = mnemonic,
        progress_message = progress_message,
        # A plugin reads nothing from the environment; an empty one keeps cache keys the same on all machines.
        env = {},
        execution_requirements = _requirements(plugin, execution_requirements) | execution_requirements,
        resource_set = resource_set,
        toolchain = toolchain_type,
    )
