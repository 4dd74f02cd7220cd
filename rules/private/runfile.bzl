"""Where programs find files of theirs at run time."""

visibility("//rules/private/...")

def rlocation(ctx, file):
    """The path of a file below the runfiles directory.

    Args:
      ctx: the rule's.
      file: File.

    Returns:
      string.
    """
    return file.short_path[3:] if file.short_path.startswith("../") else ctx.workspace_name + "/" + file.short_path
