"""Texts of the targets of a hub that explain, that close over dependencies, and that say what is missing."""

load(":graph.bzl", "components")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

_PUBLIC = "package(default_visibility = [\"//visibility:public\"])\n"

_LOAD = "load(\"{}\", \"{}\")\n"

_EXPLAIN = """
explain_wheel(
    name = "explain",
    choice = "//_config:choice",
    newest = {newest},
    override = {override},
    target = "@{hub}//{package}",
    used = {used},
    versions = {versions},
)
"""

_MISSING = """
wheel_not_available(
    name = "{name}",
    message = {message},
)
"""

def _load(file, symbol):
    return _LOAD.format(str(Label("//rules/private/wheels:" + file)), symbol)

# Targets of the repository of a wheel; what stands for a missing wheel has the same.
_WHEEL_TARGETS = ["layer", "metadata", "tree", "whl"]

def missing_builds(plan):
    """Makes the BUILD files of what cannot be had: building it says why.

    Args:
      plan: see `plan_wheels`.

    Returns:
      dict from path to text.
    """
    return {
        "{}/missing_{}/BUILD.bazel".format(package, config): _load("not_available.bzl", "wheel_not_available") + "\n" + _PUBLIC + "".join([
            _MISSING.format(name = name, message = repr(message))
            for name in _WHEEL_TARGETS
        ])
        for package, configs in plan.missing.items()
        for config, message in configs.items()
    }

_UNUSED = "error: wheels: @{}//{}: got a package that no python and platform of the hub uses, expected one that they need\n" + \
          "hint: extras, groups, pythons and platforms of wheels.lock(name = '{}') say what is used of {}"

def unused_builds(plan, hub):
    """Makes the BUILD files of packages of the lock that nothing leads to: building them says so.

    Args:
      plan: see `plan_wheels`.
      hub: name of the hub.

    Returns:
      dict from path to text.
    """
    return {
        package + "/BUILD.bazel": _load("not_available.bzl", "wheel_not_available") + "\n" + _PUBLIC + _MISSING.format(
            name = package,
            message = repr(_UNUSED.format(hub, package, hub, plan.lock.file)),
        )
        for package, configs in plan.packages.items()
        if not configs
    }

def _package_of(node):
    """Returns the package of a node: imageio[ffmpeg] -> imageio."""
    return node.partition("[")[0]

_DEPS = """
wheel_deps(
    name = "{name}",
    deps = {deps},
    wheels = {wheels},
)

wheel_trees(
    name = "{name}.trees",
    deps = {tree_deps},
    trees = {trees},
)
"""

_ALIAS = """
alias(
    name = "{name}",
    actual = "{actual}",
)

alias(
    name = "{name}.trees",
    actual = "{actual}.trees",
)
"""

def deps_build(plan, config):
    """Makes the BUILD file of `//_deps/<configuration>`: what each package needs, and itself; `.trees` is the same unpacked.

    A target holds the packages that need each other, and depends on the rest.

    Args:
      plan: see `plan_wheels`.
      config: the configuration.

    Returns:
      the text.
    """
    edges = plan.edges[config]
    groups = components(edges)
    owner = {}
    for group in groups:
        for node in group:
            owner[node] = group[0]
    text = [_load("deps.bzl", "wheel_deps"), _load("deps.bzl", "wheel_trees"), "\n", _PUBLIC]
    for group in groups:
        needs, trees, wheels = {}, {}, {}
        for node in group:
            package = _package_of(node)
            if package in plan.overrides:
                wheels["//" + package] = None
                trees["//{}/override:tree".format(package)] = None
            elif not plan.lock.packages[plan.used[config][package]].own:
                place = plan.packages[package][config]
                wheels[place + ":whl"] = None

                # As in package_build: what stands for a missing wheel has all of its targets in one place.
                trees[place + ("tree" if place.startswith("@") else ":tree")] = None
            for target in edges[node]:
                if owner[target] != group[0]:
                    needs[":" + owner[target]] = None
        text.append(_DEPS.format(
            name = group[0],
            deps = sorted(needs),
            tree_deps = [name + ".trees" for name in sorted(needs)],
            trees = sorted(trees),
            wheels = sorted(wheels),
        ))
        for node in group[1:]:
            text.append(_ALIAS.format(name = node, actual = ":" + group[0]))
    return "".join(text)

_SELECT = "\nalias(\n    name = \"{}\",\n    actual = {},\n)\n"

_NO_EDGES = "error: wheels: @{}//{}:{}: got a {}, which does not say who needs whom, expected a lock that does\n" + \
            "hint: use uv.lock, or name the wheels one by one, or all of them: @{}//:all_wheels"

def _version(package):
    """Returns what `explain` says of one version of a package."""
    return json.encode({
        "files": [wheel.file for wheel in package.wheels],
        "hashes": len(package.hashes),
        "not_a_wheel": package.not_a_wheel,
        "sdist": package.sdist,
        "version": package.version,
    })

_NO_SDIST = "error: wheels: @{}//{}:sdist: got no source archive with a sha256 in {}, expected one\n" + \
            "hint: uv.lock and pylock.toml have them, where the package has one; requirements.txt does not tell them from wheels"

def _sdist_target(plan, hub, package, used, select):
    """Makes `sdist`, the source archive."""
    places = plan.sdists[package]
    missing = _MISSING.format(
        name = "_no_sdist" if places else "sdist",
        message = repr(_NO_SDIST.format(hub, package, plan.lock.file)),
    )
    if not places:
        return missing
    target = "\nalias(\n    name = \"sdist\",\n    actual = {},\n)\n".format(
        select({config: places.get(config, ":_no_sdist") for config in used}),
    )
    return target + (missing if len(places) < len(used) else "")

def package_targets(plan, hub, package, newest, select):
    """Makes the targets of a package beside the wheel: `explain`, `deps`, `trees` and those of each extra.

    Args:
      plan: see `plan_wheels`.
      hub: name of the hub.
      package: its name.
      newest: see `wheel_tags`.
      select: function from a dict (configuration to label) to the text of a select().

    Returns:
      a struct (loads, targets) of texts.
    """
    used = {config: names[package] for config, names in plan.used.items() if package in names}
    order = sorted({index: None for index in used.values()})
    versions = [_version(plan.lock.packages[index]) for index in order]
    loads = _load("explain.bzl", "explain_wheel")
    targets = "" if package == "explain" else _EXPLAIN.format(
        hub = hub,
        package = package,
        newest = repr(newest),
        override = repr(plan.overrides.get(package, "")),
        used = repr({config: str(order.index(index)) for config, index in used.items()}),
        versions = repr(versions),
    )
    nodes = {}
    for config in used:
        for node in plan.nodes[config].get(package, []):
            nodes.setdefault(node, {})[config] = "//_deps/{}:{}".format(config, node)
    for name, suffix in [("deps", ""), ("trees", ".trees")]:
        if package == name:
            continue
        if package in nodes:
            targets += _SELECT.format(name, select({config: label + suffix for config, label in nodes[package].items()}))
        else:
            targets += _MISSING.format(name = name, message = repr(_NO_EDGES.format(hub, package, name, plan.lock.format, hub)))
    if package not in nodes:
        loads += _load("not_available.bzl", "wheel_not_available")
    if package != "sdist":
        loads += "" if "wheel_not_available" in loads else _load("not_available.bzl", "wheel_not_available")
        targets += _sdist_target(plan, hub, package, used, select)
    for node in sorted(nodes):
        if node != package:
            targets += _SELECT.format(node, select(nodes[node]))
            targets += _SELECT.format(node + ".trees", select({config: label + ".trees" for config, label in nodes[node].items()}))
    return struct(loads = loads, targets = targets)

def lock_json(plan):
    """Makes lock.json: the model, and for each configuration what of it is used and where it comes from.

    Args:
      plan: see `plan_wheels`.

    Returns:
      the text.
    """
    return json.encode_indent({
        "configurations": {
            config: {
                name: {
                    "index": index,
                    "missing": plan.missing[name].get(config, ""),
                    "wheel": plan.overrides.get(name) or
                             (plan.packages[name][config] + ":whl" if config not in plan.missing[name] else ""),
                }
                for name, index in used.items()
            }
            for config, used in plan.used.items()
        },
        "lock": plan.lock,
    }, indent = " ") + "\n"
