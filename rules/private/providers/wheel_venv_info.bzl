"""What a virtual environment is between rules."""

visibility("//rules/...")

def _wheel_venv_info_init(*, tree, summary, python_version):
    for (field, value) in [("tree", tree), ("summary", summary)]:
        if type(value) != "File":
            fail("WheelVenvInfo: {}: got {} ({}), expected a File".format(field, repr(value), type(value)))
    if not tree.is_directory:
        fail("WheelVenvInfo: tree: got {}, expected a directory".format(tree))
    return {"python_version": python_version, "summary": summary, "tree": tree}

WheelVenvInfo, _new_wheel_venv_info = provider(
    doc = "A virtual environment. Its interpreter is `bin/python` in the tree.",
    fields = {
        "python_version": "string: such as \"3.12\".",
        "summary": "File: JSON of a `rules_inference.sdk.WheelVenvSummary` message.",
        "tree": "File: the directory, with links to the trees of its wheels.",
    },
    init = _wheel_venv_info_init,
)
