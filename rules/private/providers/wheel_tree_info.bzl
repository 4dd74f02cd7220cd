"""What an unpacked Python wheel is between rules."""

visibility("//rules/...")

def _wheel_tree_info_init(*, tree, layout, whl, site_packages):
    for (field, value) in [("tree", tree), ("layout", layout), ("whl", whl)]:
        if type(value) != "File":
            fail("WheelTreeInfo: {}: got {} ({}), expected a File".format(field, repr(value), type(value)))
    if not tree.is_directory:
        fail("WheelTreeInfo: tree: got {}, expected a directory".format(tree))
    if type(site_packages) != "string" or site_packages.startswith("/"):
        fail("WheelTreeInfo: site_packages: got {}, expected a relative path or ''".format(repr(site_packages)))
    return {"layout": layout, "site_packages": site_packages, "tree": tree, "whl": whl}

WheelTreeInfo, _new_wheel_tree_info = provider(
    doc = "One unpacked Python wheel. What is in it is not known in analysis; the layout says it to actions.",
    fields = {
        "layout": "File: JSON of a `rules_inference.sdk.WheelLayout` message about the tree.",
        "site_packages": "string: the directory in `tree` that belongs on the import path; empty: `tree` itself.",
        "tree": "File: a directory with all files of the wheel.",
        "whl": "File: the wheel.",
    },
    init = _wheel_tree_info_init,
)
