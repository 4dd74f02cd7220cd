"""A wheel as an attribute: a target of a hub or of a rule of wheels, or a `.whl` file."""

load("//rules/private/providers:wheel_info.bzl", "WheelInfo")
load(":wheel_names.bzl", "parse_wheel_name")

visibility(["//rules/private/wheels"])

def wheel_file_of(label, target, files):
    """Finds the file of a wheel.

    Args:
      label: of the rule, for messages.
      target: what its attribute names.
      files: the files of it.

    Returns:
      the File.
    """
    if WheelInfo in target:
        return target[WheelInfo].whl
    if len(files) != 1 or not files[0].basename.endswith(".whl"):
        fail("{}: wheel: got {}, which has {} files; expected a wheel target or one .whl file".format(
            label,
            target.label,
            len(files),
        ))
    return files[0]

def wheel_info(label, file_name, file, size = 0):
    """Makes the provider of a wheel that a rule writes.

    Args:
      label: of the rule, for messages.
      file_name: name of the wheel.
      file: its File.
      size: its bytes, or about as many; 0 when not known.

    Returns:
      WheelInfo.
    """
    name, error = parse_wheel_name(file_name)
    if error:
        fail("{}: {}".format(label, error))
    return WheelInfo(whl = file, name = name.name, version = name.version, size = size)
