"""The one shape of error text: `error: <what>: <where>: got X, expected Y`, then a hint."""

visibility(["//rules/...", "//tests/wheels/..."])

def error_text(what, where, got, expected, hint = None):
    """Formats an error for `fail()`.

    Args:
      what: the part that speaks, for example `wheels lock`.
      where: file and line, or a target.
      got: what was found.
      expected: what would have been right.
      hint: the next step for the user, or None.

    Returns:
      one line, and a second one with the hint.
    """
    text = "error: {}: {}: got {}, expected {}".format(what, where, got, expected)
    return text + "\nhint: " + hint if hint else text
