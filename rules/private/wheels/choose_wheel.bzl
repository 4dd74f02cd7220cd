"""The best wheel of a package for a python and a platform, and why the others are not."""

visibility(["//rules/private/wheels", "//tests/wheels/..."])

def choose_wheel(names, tags):
    """Chooses a wheel.

    The best tag decides, then the higher build tag, then the name, so that there is one answer in any order of the list.

    Args:
      names: list of results of `parse_wheel_name`; None for a file whose name is none.
      tags: result of `wheel_tags`.

    Returns:
      the index of the best one, or -1.
    """
    best, best_key = -1, None
    for index, name in enumerate(names):
        rank = _rank(name, tags) if name else None
        if rank == None:
            continue

        # A null variant is always right, and before what is no variant (PEP 825).
        number, text = name.build or (-1, "")
        key = (0 if name.variant else 1, rank, -number, [-code for code in _codes(text)], name.tags)
        if best_key == None or key < best_key:
            best, best_key = index, key
    return best

def _codes(text):
    return [_ORDER.find(char) for char in text.elems()] + [-1]

_ORDER = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_."

def _rank(name, tags):
    if name.variant and name.variant != "null":
        return None
    best = None
    for tag in name.tags:
        rank = tags.ranks.get(tag)
        if rank != None and (best == None or rank < best):
            best = rank
    return best

def explain_wheels(names, tags):
    """Says of each wheel why it is chosen or not.

    Args:
      names: list of results of `parse_wheel_name`; None for a file whose name is none.
      tags: result of `wheel_tags`.

    Returns:
      a list of texts, as long as `names`.
    """
    best = choose_wheel(names, tags)
    return [
        "chosen: fits by {}".format(_best_tag(name, tags)) if index == best else _why_not(name, tags)
        for index, name in enumerate(names)
    ]

def _best_tag(name, tags):
    rank = _rank(name, tags)
    return [tag for tag in name.tags if tags.ranks.get(tag) == rank][0]

def _why_not(name, tags):
    if not name:
        return "not the name of a wheel"
    if name.variant and name.variant != "null":
        return "variant '{}': what it needs is not known here".format(name.variant)
    if _rank(name, tags) != None:
        return "fits by {}, which is not the best".format(_best_tag(name, tags))
    columns = [[], [], []]
    for tag in name.tags:
        for column, part in zip(columns, tag.split("-")):
            if part not in column:
                column.append(part)
    for column, known, what in zip(columns, [tags.pythons, tags.abis, tags.platforms], ["python", "abi", "platform"]):
        if not [part for part in column if part in known]:
            return "other {}: {}".format(what, ", ".join(column))
    return "other combination: " + ", ".join(name.tags)
