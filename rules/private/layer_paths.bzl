"""Paths inside a layer: normal form, and the small globs of `modes`."""

visibility(["//rules/private/...", "//tests/..."])

def layer_path(label, attribute, text):
    """Brings a path of the user to the form of the layer plugin: relative, no "." or "..".

    Args:
      label: Label of the target, for errors.
      attribute: name of the attribute, for errors.
      text: what the user wrote; one leading and one trailing "/" are dropped.

    Returns:
      string, empty for the root.
    """
    path = text.removeprefix("/").removesuffix("/")
    if not path:
        return ""
    for segment in path.split("/"):
        if segment in ["", ".", ".."]:
            fail("{}: {}: got {}, expected a path like \"/opt/app\" without empty, \".\" or \"..\" parts".format(
                label,
                attribute,
                repr(text),
            ))
    return path

def join(directory, path):
    """`directory/path`, where both may be empty."""
    return directory + "/" + path if directory and path else directory or path

def octal_mode(label, attribute, text):
    """Checks permission bits such as "0755".

    Args:
      label: Label of the target, for errors.
      attribute: name of the attribute, for errors.
      text: what the user wrote.

    Returns:
      `text`.
    """
    if len(text) != 4 or text[0] not in "01" or [c for c in text.elems() if c not in "01234567"]:
        fail("{}: {}: got {}, expected four octal digits without setuid and setgid, like \"0755\"".format(
            label,
            attribute,
            repr(text),
        ))
    return text

def _segment_matches(pattern, text):
    """One path segment against a pattern with `*`."""
    parts = pattern.split("*")
    if len(parts) == 1:
        return pattern == text
    if len(text) < len(parts[0]) + len(parts[-1]):
        return False
    if not text.startswith(parts[0]) or not text.endswith(parts[-1]):
        return False
    middle = text[len(parts[0]):len(text) - len(parts[-1])]
    for part in parts[1:-1]:
        # The leftmost place is always a right one: what follows can only have more room.
        at = middle.find(part)
        if at < 0:
            return False
        middle = middle[at + len(part):]
    return True

def glob_matches(pattern, path):
    """Whether `path` matches `pattern`: `*` inside one segment, `**` for any number of segments.

    Args:
      pattern: such as "bin/*" or "**/*.sh".
      path: normal layer path.

    Returns:
      bool.
    """

    # reachable[i]: the first i segments of the pattern match the segments seen so far.
    globs = pattern.split("/")
    reachable = _skip_double_stars(globs, [True] + [False] * len(globs))
    for segment in path.split("/"):
        following = [False] * (len(globs) + 1)
        for i in range(len(globs)):
            if not reachable[i]:
                continue
            if globs[i] == "**":
                following[i] = True
            elif _segment_matches(globs[i], segment):
                following[i + 1] = True
        reachable = _skip_double_stars(globs, following)
    return reachable[-1]

def _skip_double_stars(globs, reachable):
    for i in range(len(globs)):
        if reachable[i] and globs[i] == "**":
            reachable[i + 1] = True
    return reachable
