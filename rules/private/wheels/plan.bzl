"""Which wheel repository serves which (python, platform): the one step between a lock and its repositories."""

load(":errors.bzl", "error_text")
load(":markers.bzl", "evaluate_marker")
load(":names.bzl", "config_name", "parse_python", "repository_name")
load(":platforms.bzl", "PLATFORMS", "marker_environment")
load(":requirements.bzl", "parse_requirements")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

def plan_wheels(hub, content, file, pythons, platforms):
    """Plans the repositories of a lock.

    Args:
      hub: name of the hub repository.
      content: text of the lock.
      file: its name, for messages.
      pythons: versions such as "3.11"; the first one is the default.
      platforms: names out of PLATFORMS.

    Returns:
      (plan, error): `plan.packages` maps a package to a dict from configuration (`cp311_linux_x86_64`) to repository name,
      `plan.wheels` lists the repositories as structs; or None and a text for `fail()`.
    """
    error = _check_axes(hub, pythons, platforms)
    if error:
        return None, error
    requirements, error = parse_requirements(content, file)
    if error:
        return None, error
    packages, wheels, lines = {}, [], {}
    for requirement in requirements:
        by_config = packages.setdefault(requirement.name, {})
        for python in pythons:
            for platform in platforms:
                applies, error = _applies(requirement, python, platform)
                if error:
                    return None, "error: wheels lock: {}:{}: marker: {}\nhint: {}".format(
                        file,
                        requirement.line,
                        error,
                        "lock without this marker, for the pythons and platforms of the wheels.lock call",
                    )
                if not applies:
                    continue
                config = config_name(python, platform)
                if config in by_config:
                    return None, error_text(
                        "wheels lock",
                        "{}:{}".format(file, requirement.line),
                        "'{}' a second time for {} (first on line {})".format(
                            requirement.name,
                            config,
                            lines[(requirement.name, config)],
                        ),
                        "one pin for each python and platform",
                        "lock anew, or add markers that exclude each other",
                    )
                lines[(requirement.name, config)] = requirement.line
                by_config[config] = repository_name(hub, requirement.name, python, platform)
                wheels.append(struct(
                    repository = by_config[config],
                    package = requirement.name,
                    version = requirement.version,
                    python = python,
                    platform = platform,
                    hashes = sorted(requirement.hashes),
                ))
    return struct(packages = packages, wheels = wheels), None

def _applies(requirement, python, platform):
    if not requirement.marker:
        return True, None
    return evaluate_marker(requirement.marker, marker_environment(python, platform))

def _check_axes(hub, pythons, platforms):
    where = "wheels.lock(name = \"{}\")".format(hub)
    if not pythons or not platforms:
        return error_text("wheels", where, "an empty list", "at least one python and one platform")
    for python in pythons:
        if parse_python(python) == None:
            return error_text("wheels", where, "python '{}'".format(python), "major.minor, such as '3.11'")
    for platform in platforms:
        if platform not in PLATFORMS:
            return error_text("wheels", where, "platform '{}'".format(platform), "one of " + ", ".join(sorted(PLATFORMS)))
    for values in [pythons, platforms]:
        for index, value in enumerate(values):
            if value in values[:index]:
                return error_text("wheels", where, "'{}' a second time".format(value), "each one once")
    return None
