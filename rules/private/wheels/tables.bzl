"""Typed access to the tables of a TOML lock, with the line of the table in every message."""

load(":errors.bzl", "error_text")
load(":toml.bzl", "LINE")

visibility(["//rules/private/wheels"])

_KINDS = {"bool": "true or false", "dict": "a table", "int": "an integer", "list": "a list", "string": "a text"}
_EMPTY = {"bool": False, "dict": {}, "int": 0, "list": [], "string": ""}

def new_problems(file):
    """Returns a collector of problems; only the first one counts."""
    return struct(file = file, found = [])

def add_problem(problems, line, message, hint = None):
    """Notes a problem.

    Args:
      problems: collector.
      line: line of the file, or 0.
      message: "got X, expected Y".
      hint: the next step, or None.
    """
    got, _, expected = message.removeprefix("got ").partition(", expected ")
    where = "{}:{}".format(problems.file, line) if line else problems.file
    problems.found.append(error_text("wheels lock", where, got, expected, hint))

def field(problems, table, line, key, kind, required = False):
    """Gets a field of a table.

    Args:
      problems: collector.
      table: dict.
      line: its line.
      key: name of the field.
      kind: type that it must have.
      required: whether it must be there.

    Returns:
      the value; an empty one when it is not there or wrong.
    """
    value = table.get(key)
    if value == None:
        if required:
            add_problem(problems, line, "got no '{}', expected {}".format(key, _KINDS[kind]))
        return _EMPTY[kind]
    if type(value) != kind:
        add_problem(problems, line, "got '{}' of another type, expected {}".format(key, _KINDS[kind]))
        return _EMPTY[kind]
    return value

def texts(problems, table, line, key):
    """Gets a list of texts.

    Args:
      problems: collector.
      table: dict.
      line: its line.
      key: name of the field.

    Returns:
      the list; empty when it is not there or wrong.
    """
    return _items(problems, table, line, key, "string")

def tables(problems, table, line, key):
    """Gets a list of tables.

    Args:
      problems: collector.
      table: dict.
      line: its line.
      key: name of the field.

    Returns:
      the list; empty when it is not there or wrong.
    """
    return _items(problems, table, line, key, "dict")

def _items(problems, table, line, key, kind):
    values = table.get(key)
    if values == None:
        return []
    if type(values) != "list" or [value for value in values if type(value) != kind]:
        add_problem(problems, line, "got '{}' of another type, expected a list of {}".format(key, _KINDS[kind].split(" ")[-1] + "s"))
        return []
    return values

def line_of(table, default):
    """Returns the line of a table, or that of the one that it is in."""
    return table.get(LINE, default)
