"""Runfiles of an executable as files of a layer, without flattening a depset."""

load("//rules/private:layer_action.bzl", "json_format")

visibility("//rules/private/...")

# Bazel says nothing portable about the execute bit of an input (remote execution sets it on every file), so all runfiles
# have the bits that Bazel gives to outputs.
RUNFILES_MODE = "0755"

# Callbacks of add_all cannot know the target, so the constant part of a line (the .runfiles directory, owner, mode) stands
# in `format_each`, and a callback returns the rest of the line from the middle of the path on.
def _rest(path, file):
    kind = "FILE"
    if file.is_directory:
        kind = "TREE"
    elif getattr(file, "is_symlink", False):
        kind = "SYMLINK_FROM_SOURCE"
    return json.encode(path)[1:] + ',"type":"{}","source":{}'.format(kind, json.encode(file.path))

def _main_file(file):
    return None if file.short_path.startswith("../") else _rest(file.short_path, file)

def _external_file(file):
    return _rest(file.short_path[3:], file) if file.short_path.startswith("../") else None

def _main_link(entry):
    return None if entry.path.startswith("../") else _rest(entry.path, entry.target_file)

def _external_link(entry):
    return _rest(entry.path[3:], entry.target_file) if entry.path.startswith("../") else None

def _root_link(entry):
    return _rest(entry.path, entry.target_file)

def _main_empty(path):
    return None if path.startswith("../") else json.encode(path)[1:] + ',"type":"EMPTY"'

def _external_empty(path):
    return json.encode(path[3:])[1:] + ',"type":"EMPTY"' if path.startswith("../") else None

def add_runfiles(args, *, target, directory, workspace, owner):
    """Adds the runfiles tree of `target`.

    Args:
      args: Args of a layer request.
      target: executable target.
      directory: layer path of its `.runfiles` directory.
      workspace: name of the main repository in runfiles.
      owner: dict with the JSON fields uid and gid.

    Returns:
      list of depsets of the inputs that the lines name.
    """
    runfiles = target[DefaultInfo].default_runfiles
    main = _line_format(directory + "/" + workspace, owner)
    root = _line_format(directory, owner)
    for (values, callback, format) in [
        (runfiles.files, _main_file, main),
        (runfiles.files, _external_file, root),
        (runfiles.symlinks, _main_link, main),
        (runfiles.symlinks, _external_link, root),
        (runfiles.root_symlinks, _root_link, root),
    ]:
        args.add_all(values, map_each = callback, format_each = format, expand_directories = False)
    for (callback, format) in [(_main_empty, main), (_external_empty, root)]:
        args.add_all(runfiles.empty_filenames, map_each = callback, format_each = format)

    inputs = [runfiles.files]
    links = runfiles.symlinks.to_list() + runfiles.root_symlinks.to_list()
    if links:
        inputs.append(depset([link.target_file for link in links]))
    mapping = getattr(target[DefaultInfo].files_to_run, "repo_mapping_manifest", None)
    if mapping:
        args.add_all([mapping], map_each = _repo_mapping, format_each = root)
        inputs.append(depset([mapping]))
    return inputs

def _repo_mapping(file):
    return _rest("_repo_mapping", file)

def _line_format(directory, owner):
    return '{"layer":{"files":[{"uid":%d,"gid":%d,"mode":"%s","path":"%s/%%s}]}}' % (
        owner["uid"],
        owner["gid"],
        RUNFILES_MODE,
        json_format(directory)[1:-1],
    )
