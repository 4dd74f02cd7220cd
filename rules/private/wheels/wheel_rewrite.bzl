"""The action that makes a wheel of a wheel, by the wheel plugin."""

load("//rules/private:layer_action.bzl", "MAPPED_PATHS", "add_path")
load("//rules/private:plugin_action.bzl", "plugin_args", "run_plugin")

visibility(["//rules/private/wheels"])

WHEEL_TOOLCHAIN_TYPE = Label("//toolchains/wheel:toolchain_type")

def rewrite_wheel(ctx, *, wheel, output, mnemonic, progress_message, patches = [], strip = 1, replacements = {}, settings = {}):
    """Makes a wheel of a wheel.

    Args:
      ctx: rule context with the wheel toolchain.
      wheel: File.
      output: File.
      mnemonic: of the action.
      progress_message: of the action.
      patches: list of Files.
      strip: leading components that the paths of the patches lose.
      replacements: dict from name in the wheel to File.
      settings: further fields of the request (WheelRewriteRequest in plugins/sdk/wheel.proto).
    """
    args = plugin_args(ctx)
    add_path(args, '{"rewrite":{"wheel":%s}}', wheel)
    add_path(args, '{"rewrite":{"output":%s}}', output)
    for file in patches:
        add_path(args, '{"rewrite":{"patches":[{"strip":' + str(strip) + ',"file":%s}]}}', file)
    for path, file in replacements.items():
        add_path(args, '{"rewrite":{"replacements":[{"path":' + json.encode(path).replace("%", "%%") + ',"file":%s}]}}', file)
    args.add(json.encode({"rewrite": settings}))
    run_plugin(
        ctx,
        toolchain_type = WHEEL_TOOLCHAIN_TYPE,
        args = args,
        inputs = [wheel] + patches + replacements.values(),
        outputs = [output],
        mnemonic = mnemonic,
        progress_message = progress_message,
        execution_requirements = MAPPED_PATHS,
    )
