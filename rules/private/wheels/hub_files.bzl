"""Texts of the files of a hub repository."""

load(":names.bzl", "config_name")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

_PUBLIC = "package(default_visibility = [\"//visibility:public\"])\n"

_CONFIG = """
config_setting(
    name = "{name}",
    flag_values = {{":choice": "{name}"}},
)
"""

_CHOICE = """\
load("{choice}", "wheel_choice")

{public}
wheel_choice(
    name = "choice",
    platforms = {platforms},
    pythons = {pythons},
)
"""

def config_build(pythons, platforms):
    """Makes the BUILD file of `//_config`: the chooser, and one config_setting for each python and platform.

    Args:
      pythons: versions of CPython.
      platforms: names of platforms.

    Returns:
      the text.
    """
    text = _CHOICE.format(
        choice = str(Label("//rules/private/wheels:choice.bzl")),
        public = _PUBLIC,
        platforms = repr(platforms),
        pythons = repr(pythons),
    )
    for python in pythons:
        for platform in platforms:
            text += _CONFIG.format(name = config_name(python, platform))
    return text

def _select(choices, no_match):
    """Returns a select() expression. `choices`: dict from configuration to value as text."""
    rows = ["        \"//_config:{}\": {},\n".format(config, choices[config]) for config in sorted(choices)]
    return "select({{\n{}    }}, no_match_error = \"{}\")".format("".join(rows), no_match)

# Where the targets of a package are in the repository of a wheel. What stands for a missing wheel has all of them in one place.
_TARGETS = {"layer": "layer", "metadata": "tree:metadata", "tree": "tree", "whl": ":whl"}

def _place(place, target):
    return place + (_TARGETS[target] if place.startswith("@") else ":" + target)

def package_build(hub, package, configs, extra = None, override = ""):
    """Makes the BUILD file of one package: the target with its name, `:whl`, which is the same, `:layer`, `:tree`, `:metadata`, `:pinned`.

    Args:
      hub: name of the hub.
      package: normalized name.
      configs: dict from configuration to where its targets are, such as `@wheels_numpy_5f1c0e2a//`.
      extra: function from a function (choices: text of a select()) to further loads and targets, or None.
      override: label that is used instead; `:pinned` stays what the lock has.

    Returns:
      the text.
    """
    no_match = "error: wheels: @{}//{}: got a python or platform without a pinned wheel, expected one of {}".format(
        hub,
        package,
        ", ".join(sorted(configs)),
    ) + "\\nhint: add it to wheels.lock(name = '{}'), or mark the target with target_compatible_with".format(hub)

    def select(choices):
        return _select({config: repr(label) for config, label in choices.items()}, no_match)

    more = extra(select) if extra else struct(loads = "", targets = "")
    text = more.loads + _PUBLIC
    done = []
    for name, target in [(package, "whl"), ("layer", "layer"), ("tree", "tree"), ("metadata", "metadata"), ("pinned", "whl")]:
        # A package may have one of these names; the wheel comes first.
        if name in done:
            continue
        done.append(name)
        if name == "pinned" and package != name and not override:
            text += "\nalias(\n    name = \"pinned\",\n    actual = \":{}\",\n)\n".format(package)
            continue
        places = {config: _place(place, target) for config, place in configs.items()}
        if override and (name != "pinned" or name == package):
            other = override if target == "whl" else "//{}/override{}".format(package, _OVERRIDE_TARGETS[target])
            places = {config: other for config in configs}
        text += "\nalias(\n    name = \"{}\",\n    actual = {},\n)\n".format(name, select(places))
    if package != "whl":
        text += "\nalias(\n    name = \"whl\",\n    actual = \":{}\",\n)\n".format(package)
    return text + more.targets

# Where they are for an override, below the package.
_OVERRIDE_TARGETS = {"layer": "/layer", "metadata": ":metadata", "tree": ":tree"}

_OVERRIDE_LAYER = """\
load("{wheel_layer}", "wheel_layer")

package(default_visibility = ["//visibility:public"])

wheel_layer(
    name = "layer",
    wheels = ["//{package}"],
)
"""

_OVERRIDE = """\
load("{wheel_tree}", "wheel_tree")

package(default_visibility = ["//visibility:public"])

wheel_tree(
    name = "tree",
    wheel = "//{package}",
)

filegroup(
    name = "metadata",
    srcs = [":tree"],
    output_group = "layout",
)
"""

def override_builds(plan):
    """Makes the BUILD files with the trees and layers of wheels that are used instead of those of the lock.

    Args:
      plan: see `plan_wheels`.

    Returns:
      dict from path to text.
    """
    files = {}
    for package in plan.overrides:
        if not plan.packages[package]:
            continue
        files[package + "/override/BUILD.bazel"] = _OVERRIDE.format(
            package = package,
            wheel_tree = str(Label("//rules/private/wheels:wheel_tree.bzl")),
        )
        files[package + "/override/layer/BUILD.bazel"] = _OVERRIDE_LAYER.format(
            package = package,
            wheel_layer = str(Label("//rules:layer.bzl")),
        )
    return files

def root_build(hub, packages, pythons, platforms):
    """Makes the root BUILD file: `:all_wheels`, the wheels of all packages that the selected platform has.

    Args:
      hub: name of the hub.
      packages: dict from package to its configurations.
      pythons: versions of CPython.
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
        _select(choices, no_match),
    ) + "\nexports_files([\"lock.json\"])\n"

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

def wheels_json(plan):
    """Makes wheels.json of each package: what the repositories of its wheels are made of.

    Args:
      plan: see `plan_wheels`.

    Returns:
      dict from path to text.
    """
    packages = {}
    for wheel in plan.wheels:
        packages.setdefault(wheel.package, {})[wheel.slot] = {"lock": plan.lock.file} | {
            key: getattr(wheel, key)
            for key in ["version", "python", "platform", "hashes", "file", "url", "path", "newest"]
            if getattr(wheel, key)
        }
    return {
        package + "/wheels.json": json.encode_indent(slots, indent = " ") + "\n"
        for package, slots in packages.items()
    }

_INSTALL = '''\
"""The wheel repositories of @{hub}, for WORKSPACE files."""

load("{rule}", "declare_wheels")

# Package -> what it has repositories for.
_WHEELS = {{
{wheels}}}

def install_wheels():
    """Declares one repository per wheel; nothing is fetched by it."""
    for package, slots in _WHEELS.items():
        declare_wheels("{hub}", package, slots)
'''

def install_bzl(hub, wheels):
    """Makes install.bzl, the second step of a WORKSPACE set-up.

    Args:
      hub: name of the hub.
      wheels: list of structs, see `plan_wheels`.

    Returns:
      the text.
    """
    packages = {}
    for wheel in wheels:
        packages.setdefault(wheel.package, []).append(wheel.slot)
    return _INSTALL.format(
        hub = hub,
        rule = str(Label("//rules/private/wheels:wheel_repository.bzl")),
        wheels = "".join(["    {}: {},\n".format(repr(package), repr(slots)) for package, slots in packages.items()]),
    )
