"""The rule `file_layer`."""

load("//rules/private:layer_action.bzl", "LAYER_TOOLCHAIN_TYPE", "LEVEL_ATTR", "layer_action", "layer_outputs")
load("//rules/private:layer_paths.bzl", "glob_matches", "join", "layer_path", "octal_mode")
load("//rules/private:layer_runfiles.bzl", "add_runfiles")
load("//rules/private/providers:layer_info.bzl", "LayerInfo")

visibility("//rules/...")

def _is_executable(target, file):
    # A file target claims to be an executable too; only a rule's executable has a runfiles tree.
    run = target[DefaultInfo].files_to_run
    return run != None and run.executable == file and run.runfiles_manifest != None

def _relative_path(ctx, file):
    """Path below `prefix`: from the package of the layer, without `strip_prefix`."""
    path = file.short_path
    if path.startswith("../"):
        path = path.split("/", 2)[2]
    path = path.removeprefix(ctx.label.package + "/") if ctx.label.package else path
    strip = ctx.attr.strip_prefix
    if not strip:
        return path
    if not path.startswith(strip + "/"):
        fail("{}: strip_prefix: got {}, which is not below {}; split it into another file_layer".format(
            ctx.label,
            repr(path),
            repr(strip),
        ))
    return path.removeprefix(strip + "/")

def _mode(modes, path, default):
    for (pattern, mode) in modes.items():
        if glob_matches(pattern, path):
            return mode
    return default

def _owner(ctx):
    parts = ctx.attr.owner.split(":")
    if len(parts) != 2 or [part for part in parts if not part.isdigit()]:
        fail("{}: owner: got {}, expected \"UID:GID\" in decimal, like \"0:0\"".format(ctx.label, repr(ctx.attr.owner)))
    return {"gid": int(parts[1]), "uid": int(parts[0])}

def _source_json(entry):
    fields = dict(entry.fields)
    fields["source"] = entry.file.path
    return json.encode({"layer": {"files": [fields]}})

def _file_entry(ctx, target, file, prefix, owner, modes):
    """The entry of one file; a file without a target is one of `declared_symlinks`."""
    path = join(prefix, _relative_path(ctx, file))
    kind = "FILE"
    default = ctx.attr.default_mode
    if file.is_directory:
        # Bazel makes every file of an output tree executable; saying so keeps local and remote builds equal.
        (kind, default) = ("TREE", "0755")
        owner = owner | ({"keepLinks": True} if ctx.attr.directory_links == "keep" else {})
    elif target == None or getattr(file, "is_symlink", False):
        return struct(file = file, fields = {"path": path, "type": "SYMLINK_FROM_SOURCE"} | owner)
    elif _is_executable(target, file):
        default = "0755"
    fields = {"mode": _mode(modes, path, default), "path": path, "type": kind} | owner
    return struct(fields = fields, file = file)

def _made_entries(ctx, owner, modes):
    """Entries that read no file: links, directories, empty files."""
    label = ctx.label
    links = [
        {"linkTarget": target, "path": layer_path(label, "symlinks", path), "type": "SYMLINK"}
        for (path, target) in ctx.attr.symlinks.items()
    ]
    directories = [
        {"path": layer_path(label, "empty_dirs", path), "type": "DIRECTORY"}
        for path in ctx.attr.empty_dirs
    ]
    files = [
        {"path": layer_path(label, "empty_files", path), "type": "EMPTY"}
        for path in ctx.attr.empty_files
    ]
    for (entries, default) in [(directories, "0755"), (files, ctx.attr.default_mode)]:
        for entry in entries:
            entry["mode"] = _mode(modes, entry["path"], default)
    return [{"layer": {"files": [entry | owner]}} for entry in links + directories + files]

def _file_layer_impl(ctx):
    owner = _owner(ctx)
    prefix = layer_path(ctx.label, "prefix", ctx.attr.prefix)
    octal_mode(ctx.label, "default_mode", ctx.attr.default_mode)
    modes = {
        layer_path(ctx.label, "modes", pattern): octal_mode(ctx.label, "modes", mode)
        for (pattern, mode) in ctx.attr.modes.items()
    }

    inputs = [depset(ctx.files.srcs + ctx.files.declared_symlinks)]
    entries = [_file_entry(ctx, None, file, prefix, owner, modes) for file in ctx.files.declared_symlinks]
    executables = []
    for target in ctx.attr.srcs:
        for file in target[DefaultInfo].files.to_list():
            entry = _file_entry(ctx, target, file, prefix, owner, modes)
            entries.append(entry)
            if ctx.attr.include_runfiles and _is_executable(target, file):
                executables.append((target, entry.fields["path"] + ".runfiles"))

    def fill(args):
        args.add_all(entries, map_each = _source_json)
        for fragment in _made_entries(ctx, owner, modes):
            args.add(json.encode(fragment))
        for (target, directory) in executables:
            inputs.extend(add_runfiles(
                args,
                target = target,
                directory = directory,
                workspace = ctx.workspace_name,
                owner = owner,
            ))

    layer = layer_action(
        ctx,
        name = ctx.label.name,
        compress = ctx.attr.compress,
        level = ctx.attr.level,
        inputs = inputs,
        fill = fill,
        mnemonic = "FileLayer",
        what = "file_layer " + ctx.label.name,
    )
    return [layer] + layer_outputs([layer])

file_layer = rule(
    implementation = _file_layer_impl,
    doc = """One layer of files, output directories, runfiles, links and empty directories.

A file lands at `prefix` + its path from the package of this target, without `strip_prefix`. Files of other packages keep \
their path from their repository's root. Times are 0, owners numeric.

Modes never come from the file system, because Bazel sets the execute bit of inputs differently in local and remote \
builds: a file is `default_mode`, the executable of a rule `0755`, files of output directories and runfiles `0755`, and \
`modes` overrides all but the runfiles.""",
    attrs = LEVEL_ATTR | {
        "compress": attr.string(
            default = "auto",
            doc = "`auto` (default, the same as `deflate`), `deflate` (gzip), `zstd` or `stored` (plain tar).",
            values = ["auto", "deflate", "stored", "zstd"],
        ),
        "directory_links": attr.string(
            default = "follow",
            doc = "What becomes of symbolic links in directories of `srcs`. `follow` (default): what they lead to stands in their " +
                  "place, as it does in Bazel's digests and caches, so that the layer is the same wherever the directory comes " +
                  "from; links to nothing, with absolute targets, and in circles are errors. `keep`: they stay links. That is " +
                  "right for a directory of the source tree, and for one whose action says `no-cache`: a cache gives files for " +
                  "links. Bazel does not see a link change that leads to the same bytes.",
            values = ["follow", "keep"],
        ),
        "declared_symlinks": attr.label_list(
            doc = "Targets whose outputs are symbolic links (`ctx.actions.declare_symlink`). They stay links, wherever they " +
                  "lead. Bazel 8 and newer know such outputs, and they can stand in `srcs`; older ones do not tell rules.",
        ),
        "default_mode": attr.string(
            default = "0644",
            doc = "Mode of files that are not the executable of a rule. Default `0644`.",
        ),
        "empty_dirs": attr.string_list(doc = "Directories to make, such as `/tmp`; mode `0755` or as `modes` says."),
        "empty_files": attr.string_list(doc = "Empty files to make; `default_mode` or as `modes` says."),
        "include_runfiles": attr.bool(
            doc = "Adds `<executable>.runfiles` for each executable target in `srcs`. Default false.",
        ),
        "modes": attr.string_dict(
            doc = "Glob of paths in the layer (`*`, `**`) -> mode: `{\"/app/bin/**\": \"0755\"}`. The first match wins.",
        ),
        "owner": attr.string(default = "0:0", doc = "Numeric `UID:GID` of everything in the layer. Default `0:0`."),
        "prefix": attr.string(default = "/", doc = "Directory of the image that receives the files. Default `/`."),
        "srcs": attr.label_list(allow_files = True, doc = "Files, directories and executables. Default: none."),
        "strip_prefix": attr.string(
            doc = "Directory, relative to this package, that paths lose. A file outside of it is an error.",
        ),
        "symlinks": attr.string_dict(doc = "Path of a symbolic link -> its target, taken as it is."),
    },
    provides = [LayerInfo],
    toolchains = [LAYER_TOOLCHAIN_TYPE],
)
