"""What an archive of a release has in it."""

load(":lock_action.bzl", "label_text")

visibility("private")

def _is_library(file):
    name = file.basename
    return name.endswith(".so") or ".so." in name or name.endswith(".dylib") or name.endswith(".dll")

def _entry(path, file, mode):
    kind = "FILE"
    if file.is_directory:
        kind = "TREE"
    elif getattr(file, "is_symlink", False):
        kind = "SYMLINK_FROM_SOURCE"
    fields = {"mode": mode, "path": path, "type": kind}
    return struct(fields = fields, file = file)

def _runfiles(directory, workspace, program, runfiles, with_libraries):
    """The runfiles tree beside a program, where the linker's run path looks for libraries.

    The depsets are flattened: one target has this, of some hundred files, and an archive without a second file should have
    no directory for it.
    """

    def path(name):
        return "{}/{}".format(directory, name[3:] if name.startswith("../") else workspace + "/" + name)

    files = [(path(file.short_path), file) for file in runfiles.files.to_list() if file != program]
    files += [(path(link.path), link.target_file) for link in runfiles.symlinks.to_list()]
    files += [(directory + "/" + link.path, link.target_file) for link in runfiles.root_symlinks.to_list()]

    # Bazel says nothing portable about the execute bit of an input, so all of them have the bits that outputs have.
    return [_entry(path, file, "0755") for path, file in files if with_libraries or not _is_library(file)]

def _extra(where, target, path):
    files = target[DefaultInfo].files.to_list()
    if not path.endswith("/") and len(files) != 1:
        fail("\nerror: variant_release: {}: files: {}: got {} files for {}, expected one, or a directory as \"share/\"".format(
            where,
            label_text(target.label),
            len(files),
            repr(path),
        ))
    run = target[DefaultInfo].files_to_run
    return [
        _entry(
            path + file.basename if path.endswith("/") else path,
            file,
            "0755" if file.is_directory or run and run.executable == file and run.runfiles_manifest else "0644",
        )
        for file in files
    ]

def release_content(*, where, prefix, workspace, binary, with_libraries, files):
    """Lists the entries of one archive.

    Args:
      where: label of the release, for messages.
      prefix: directory of the archive that has everything, or empty.
      workspace: name of the main repository in runfiles.
      binary: the executable target.
      with_libraries: whether shared libraries of its runfiles are in the archive.
      files: list of (target, path).

    Returns:
      list of struct(fields, file): JSON fields of an entry but `source`, and the File.
    """
    program = binary[DefaultInfo].files_to_run.executable
    if not program:
        fail("\nerror: variant_release: {}: binary: got {}, expected a program".format(where, label_text(binary.label)))
    top = prefix + "/" if prefix else ""
    path = "{}bin/{}".format(top, program.basename)
    entries = [_entry(path, program, "0755")]
    entries += _runfiles(path + ".runfiles", workspace, program, binary[DefaultInfo].default_runfiles, with_libraries)
    for target, place in files:
        entries += _extra(where, target, top + place)
    return entries
