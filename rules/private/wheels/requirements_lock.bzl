"""Reader of requirements.txt with hashes, as a model."""

load(":model.bzl", "new_lock", "new_package", "new_wheel")
load(":requirements.bzl", "parse_requirements")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

def read_requirements(content, file):
    """Reads a lock.

    Args:
      content: text of the file.
      file: its name, for messages.

    Returns:
      (lock, error): a model (model.bzl) and None, or None and a text for `fail()`.
    """
    requirements, error = parse_requirements(content, file)
    if error:
        return None, error
    return new_lock("requirements.txt", file, [
        new_package(
            requirement.name,
            requirement.version,
            requirement.line,
            marker = requirement.marker,
            hashes = [] if requirement.url else requirement.hashes,
            wheels = [new_wheel(requirement.url, requirement.hashes[0])] if requirement.url else [],
        )
        for requirement in requirements
    ]), None
