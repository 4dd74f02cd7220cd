"""The actions between archives and their lock."""

load("//rules/private:layer_action.bzl", "MAPPED_PATHS", "add_path")
load("//rules/private:plugin_action.bzl", "plugin_args", "run_plugin")
load("//rules/private:runfile.bzl", "rlocation")

visibility(["//rules/private/release", "//rules/private/variants"])

RELEASE_TOOLCHAIN_TYPE = "//toolchains/release:toolchain_type"

def label_text(label):
    """A label of the main repository as people write it.

    Args:
      label: Label, or the name of a target.

    Returns:
      string, the same in both modes.
    """
    return str(label).lstrip("@")

def row_action(ctx, *, stem, archive, program, declared):
    """Reads an archive.

    Args:
      ctx: rule context with the release toolchain.
      stem: of the output's name.
      archive: File.
      program: File: the program that the archive was made for.
      declared: dict: the row as it is meant to be (Variant).

    Returns:
      File: the row as it is.
    """
    row = ctx.actions.declare_file(stem + ".row.json")
    args = plugin_args(ctx)
    add_path(args, '{"row":{"output":%s}}', row)
    add_path(args, '{"row":{"archive":%s}}', archive)
    add_path(args, '{"row":{"program":%s}}', program)
    args.add(json.encode({"row": {"declared": declared, "where": label_text(ctx.label)}}))
    run_plugin(
        ctx,
        toolchain_type = RELEASE_TOOLCHAIN_TYPE,
        args = args,
        inputs = [archive, program],
        outputs = [row],
        mnemonic = "ReleaseRow",
        progress_message = "Reading %{input}",
        execution_requirements = MAPPED_PATHS,
    )
    return row

def lock_action(ctx, *, lock, rows, version_key):
    """Puts the rows together; the only action that knows the version.

    Args:
      ctx: rule context with the release toolchain.
      lock: dict: artifact, url_template and version (VariantsLock).
      rows: list of struct(row, archive, absent): two Files, or None and the dict of a row that is not available.
      version_key: key of the workspace status that has the version, or empty.

    Returns:
      struct(lock, sums, manifest) of Files.
    """
    name = ctx.label.name
    outputs = struct(
        lock = ctx.actions.declare_file(name + ".variants.lock.json"),
        manifest = ctx.actions.declare_file(name + ".release.json"),
        sums = ctx.actions.declare_file(name + "_archives/SHA256SUMS"),
    )
    args = plugin_args(ctx)
    add_path(args, '{"lock":{"lock_output":%s}}', outputs.lock)
    add_path(args, '{"lock":{"manifest_output":%s}}', outputs.manifest)
    add_path(args, '{"lock":{"sums_output":%s}}', outputs.sums)
    args.add(json.encode({"lock": {
        "lock": lock | {"lock_version": 1},
        "lock_name": name + ".variants.lock.json",
        "lock_path": rlocation(ctx, outputs.lock),
        "sums_path": rlocation(ctx, outputs.sums),
        "where": label_text(ctx.label),
    }}))
    inputs = []
    for item in rows:
        if item.absent:
            args.add(json.encode({"lock": {"rows": [{"absent": item.absent}]}}))
            continue
        inputs.append(item.row)
        archive = json.encode(rlocation(ctx, item.archive)).replace("%", "%%")
        add_path(args, '{"lock":{"rows":[{"archive":' + archive + ',"row":%s}]}}', item.row)
    if version_key:
        inputs.append(ctx.info_file)
        add_path(args, '{"lock":{"status_file":%s}}', ctx.info_file)
        args.add(json.encode({"lock": {"status_key": version_key}}))
    run_plugin(
        ctx,
        toolchain_type = RELEASE_TOOLCHAIN_TYPE,
        args = args,
        inputs = inputs,
        outputs = [outputs.lock, outputs.manifest, outputs.sums],
        mnemonic = "ReleaseLock",
        # Paths are not mapped: Bazel takes the name of the status file for that of a configuration.
        progress_message = "Lock %{output}",
    )
    return outputs
