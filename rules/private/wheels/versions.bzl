"""Comparison of python versions in environment markers (the part of PEP 440 that releases need).

A lock is written for "3.11", not for "3.11.7": `python_full_version` stands for every 3.11.x at once. It is an interval,
and a comparison has three answers: true for all of them, false for all of them, or undecided.
"""

visibility(["//rules/private/wheels", "//tests/wheels/..."])

ORDER_OPERATORS = ["==", "!=", "<=", ">=", "<", ">"]

# Larger than any patch release.
_ANY_PATCH = 1 << 30

def version_interval(python, full):
    """Returns (lowest, highest) release of `python` ("3.11"); with `full` over all its patch releases."""
    release = [int(part) for part in python.split(".")]
    return (release + [0], release + [_ANY_PATCH if full else 0])

def compare_interval(interval, operator, text):
    """Compares all releases of an interval with a version.

    Args:
      interval: result of `version_interval`.
      operator: one of ORDER_OPERATORS.
      text: a release such as "3.9", or for == and != a prefix such as "3.9.*".

    Returns:
      True or False when all releases agree, None when they do not, and a text that says what is wrong with `text`.
    """
    prefix = text.endswith(".*")
    parts = (text[:-2] if prefix else text).split(".")
    if [part for part in parts if not part.isdigit()]:
        return "version '{}'".format(text)
    if prefix and operator not in ["==", "!="]:
        return "'{} {}'".format(operator, text)
    wanted = [int(part) for part in parts]
    low, high = interval
    if prefix:
        low, high = low[:len(wanted)], high[:len(wanted)]
    width = max(len(wanted), 3)
    wanted, low, high = _pad(wanted, width), _pad(low, width), _pad(high, width)
    if operator == "<":
        return _decide(high < wanted, low >= wanted)
    if operator == ">=":
        return _decide(low >= wanted, high < wanted)
    if operator == "<=":
        return _decide(high <= wanted, low > wanted)
    if operator == ">":
        return _decide(low > wanted, high <= wanted)
    equal = low == wanted and high == wanted
    different = wanted < low or wanted > high
    return _decide(equal, different) if operator == "==" else _decide(different, equal)

def _pad(release, width):
    return release + [0] * (width - len(release))

def _decide(yes, no):
    return True if yes else (False if no else None)
