"""Actions that use a release in the build that makes it."""

load("//rules/private:layer_action.bzl", "MAPPED_PATHS", "add_path")
load("//rules/private:plugin_action.bzl", "plugin_args", "run_plugin")
load(":lock_action.bzl", "RELEASE_TOOLCHAIN_TYPE")

visibility(["//rules/private/release", "//rules/private/variants"])

def tree_action(ctx, row):
    """Unpacks an archive.

    Args:
      ctx: rule context with the release toolchain.
      row: struct of ReleaseInfo.rows.

    Returns:
      File: a directory.
    """
    directory = ctx.actions.declare_directory("{}_variants/{}-{}".format(ctx.label.name, row.platform, row.name))
    args = plugin_args(ctx)
    add_path(args, '{"tree":{"output_dir":%s}}', directory)
    add_path(args, '{"tree":{"archive":%s}}', row.archive)
    add_path(args, '{"tree":{"row":%s}}', row.row)
    run_plugin(
        ctx,
        toolchain_type = RELEASE_TOOLCHAIN_TYPE,
        args = args,
        inputs = [row.archive, row.row],
        outputs = [directory],
        mnemonic = "ReleaseTree",
        progress_message = "Unpacking %{input}",
        execution_requirements = MAPPED_PATHS,
    )
    return directory

def launcher_manifest_action(ctx, output, manifest, rows):
    """Writes what a launcher knows of a release.

    Args:
      ctx: rule context with the release toolchain.
      output: File.
      manifest: dict: a LauncherManifest without rows.
      rows: Files, one for each of its directories.
    """
    args = plugin_args(ctx)
    add_path(args, '{"launcher":{"output":%s}}', output)
    args.add(json.encode({"launcher": {"manifest": manifest}}))
    for row in rows:
        add_path(args, '{"launcher":{"rows":[%s]}}', row)
    run_plugin(
        ctx,
        toolchain_type = RELEASE_TOOLCHAIN_TYPE,
        args = args,
        inputs = rows,
        outputs = [output],
        mnemonic = "ReleaseLauncher",
        progress_message = "Writing %{output}",
        execution_requirements = MAPPED_PATHS,
    )
