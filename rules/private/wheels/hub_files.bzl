"""Texts of the files of a hub repository."""

load(":names.bzl", "config_name", "repository_name")
load(":platforms.bzl", "PLATFORMS")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

_PUBLIC = "package(default_visibility = [\"//visibility:public\"])\n"

_CONFIG = """
config_setting(
    name = "{name}",
    constraint_values = {constraints},
    flag_values = {{"{flag}": "{python}"}},
)
"""

def config_build(pythons, platforms):
    """Makes the BUILD file of `//_config`: one config_setting for each python and platform.

    The settings `default_*` match when no python is asked for; they stand for the first one.

    Args:
      pythons: versions of CPython.
      platforms: names of platforms.

    Returns:
      the text.
    """
    text = _PUBLIC
    for python in [""] + pythons:
        for platform in platforms:
            text += _CONFIG.format(
                name = config_name(python, platform) if python else "default_" + platform,
                constraints = [str(label) for label in PLATFORMS[platform].constraints],
                flag = str(Label("//rules/private/wheels:python_version")),
                python = python,
            )
    return text

def _select(choices, no_match):
    """Returns a select() expression. `choices`: list of (configuration, value as text)."""
    rows = ["        \"//_config:{}\": {},\n".format(config, value) for config, value in choices]
    return "select({{\n{}    }}, no_match_error = \"{}\")".format("".join(rows), no_match)

def _with_default(choices, pythons, platforms):
    """Adds the rows that serve when no python is asked for. `choices`: dict from configuration to value."""
    rows = sorted(choices.items())
    for platform in platforms:
        config = config_name(pythons[0], platform)
        if config in choices:
            rows.append(("default_" + platform, choices[config]))
    return rows

def package_build(hub, package, configs, pythons, platforms):
    """Makes the BUILD file of one package: the target with its name, `:whl`, which is the same, `:tree` and `:metadata`.

    Args:
      hub: name of the hub.
      package: normalized name.
      configs: the configurations that have a wheel.
      pythons: versions of CPython; the first one is the default.
      platforms: names of platforms.

    Returns:
      the text.
    """
    choices = {}
    for python in pythons:
        for platform in platforms:
            if config_name(python, platform) in configs:
                repository = repository_name(hub, package, python, platform)
                choices[config_name(python, platform)] = repository
    no_match = "error: wheels: @{}//{}: got a python or platform without a pinned wheel, expected one of {}".format(
        hub,
        package,
        ", ".join(sorted(configs)),
    ) + "\\nhint: add it to wheels.lock(name = '{}'), or mark the target with target_compatible_with".format(hub)
    text = _PUBLIC
    for name, target in [(package, ":whl"), ("tree", "tree"), ("metadata", "tree:metadata")]:
        # A package may have one of these names; the wheel comes first.
        if name == package and target != ":whl":
            continue
        labels = {config: "\"@{}//{}\"".format(repository, target) for config, repository in choices.items()}
        text += "\nalias(\n    name = \"{}\",\n    actual = {},\n)\n".format(
            name,
            _select(_with_default(labels, pythons, platforms), no_match),
        )
    if package != "whl":
        text += "\nalias(\n    name = \"whl\",\n    actual = \":{}\",\n)\n".format(package)
    return text

def root_build(hub, packages, pythons, platforms):
    """Makes the root BUILD file: `:all_wheels`, the wheels of all packages that the selected platform has.

    Args:
      hub: name of the hub.
      packages: dict from package to its configurations.
      pythons: versions of CPython; the first one is the default.
      platforms: names of platforms.

    Returns:
      the text.
    """
    choices = {}
    for python in pythons:
        for platform in platforms:
            config = config_name(python, platform)
            choices[config] = str(["//" + name for name in sorted(packages) if config in packages[name]])
    no_match = "error: wheels: @{}//:all_wheels: got a python or platform that is not locked, expected one of {}".format(
        hub,
        ", ".join(sorted(choices)),
    )
    return _PUBLIC + "\nfilegroup(\n    name = \"all_wheels\",\n    srcs = {},\n)\n".format(
        _select(_with_default(choices, pythons, platforms), no_match),
    )

_REQUIREMENTS = '''\
"""Labels of the wheels of @{hub}."""

# Packages that every locked python and platform has.
all_wheels = [
{labels}]

def requirement(name):
    """Returns the label of a package: requirement("PyYAML") -> @{hub}//pyyaml."""
    words = name.lower().replace("_", "-").replace(".", "-").split("-")
    normalized = "-".join([word for word in words if word])
    return Label("//" + normalized + ":" + normalized)
'''

def requirements_bzl(hub, packages, configurations):
    """Makes requirements.bzl.

    Args:
      hub: name of the hub.
      packages: dict from package to its configurations.
      configurations: how many pairs of python and platform are locked.

    Returns:
      the text.
    """
    everywhere = [name for name in sorted(packages) if len(packages[name]) == configurations]
    return _REQUIREMENTS.format(
        hub = hub,
        labels = "".join(["    Label(\"//{0}:{0}\"),\n".format(name) for name in everywhere]),
    )

_INSTALL = '''\
"""The wheel repositories of @{hub}, for WORKSPACE files."""

load("{rule}", "wheel_repository")

def install_wheels():
    """Declares one repository per wheel; nothing is fetched by it."""
{calls}'''

def install_bzl(hub, wheels, lock):
    """Makes install.bzl, the second step of a WORKSPACE set-up.

    Args:
      hub: name of the hub.
      wheels: list of structs, see `plan_wheels`.
      lock: label of the lock, for messages.

    Returns:
      the text.
    """
    calls = []
    for wheel in wheels:
        arguments = ["name = \"{}\"".format(wheel.repository), "lock = \"{}\"".format(lock)] + [
            "{} = \"{}\"".format(key, getattr(wheel, key))
            for key in ["package", "version", "python", "platform"]
        ] + ["hashes = {}".format(wheel.hashes)]
        calls.append("    wheel_repository({})\n".format(", ".join(arguments)))
    return _INSTALL.format(
        hub = hub,
        rule = str(Label("//rules/private/wheels:wheel_repository.bzl")),
        calls = "".join(calls),
    )
