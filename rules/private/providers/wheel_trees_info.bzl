"""What a set of unpacked Python wheels is between rules."""

visibility("//rules/...")

def _wheel_trees_info_init(*, trees):
    if type(trees) != "depset":
        fail("WheelTreesInfo: trees: got {} ({}), expected a depset of WheelTreeInfo".format(repr(trees), type(trees)))
    return {"trees": trees}

WheelTreesInfo, _new_wheel_trees_info = provider(
    doc = "Unpacked wheels that belong together, such as a package with all that it needs.",
    fields = {"trees": "depset of WheelTreeInfo."},
    init = _wheel_trees_info_init,
)
