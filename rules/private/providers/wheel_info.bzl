"""What a Python wheel is between rules."""

visibility("//rules/...")

def _wheel_info_init(*, whl, name, version, size = 0):
    if type(whl) != "File":
        fail("WheelInfo: whl: got {} ({}), expected a File".format(repr(whl), type(whl)))
    if not whl.basename.endswith(".whl"):
        fail("WheelInfo: whl: got {}, expected a file name that ends in .whl".format(whl.basename))
    for (field, value) in [("name", name), ("version", version)]:
        if type(value) != "string" or not value:
            fail("WheelInfo: {}: got {}, expected text".format(field, repr(value)))
    if type(size) != "int" or size < 0:
        fail("WheelInfo: size: got {}, expected a number of bytes, or 0".format(repr(size)))
    return {"name": name, "size": size, "version": version, "whl": whl}

WheelInfo, _new_wheel_info = provider(
    doc = "One pinned Python wheel, kept as a `.whl` file in the build graph.",
    fields = {
        "name": "string: normalized project name (lower case, runs of '-', '_' and '.' are one '-').",
        "size": "int: bytes of the file; 0 where that is not known.",
        "version": "string: version as in the file name.",
        "whl": "File: the wheel.",
    },
    init = _wheel_info_init,
)

WheelSetInfo = provider(
    doc = "Wheels that belong together, such as one with all that it needs.",
    fields = {"wheels": "depset of WheelInfo."},
)
