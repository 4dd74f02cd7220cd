"""From a lock to repositories: which wheel serves which (python, platform), and what is missing."""

load(":choose_wheel.bzl", "choose_wheel")
load(":errors.bzl", "error_text")
load(":markers.bzl", "evaluate_marker")
load(":names.bzl", "config_name", "normalize_name", "parse_python", "python_tag", "repository_name", "sdist_slot")
load(":platforms.bzl", "DEFAULT_NEWEST", "PLATFORMS", "marker_environment")
load(":read_lock.bzl", "read_lock")
load(":resolve.bzl", "resolve")
load(":tags.bzl", "wheel_tags")
load(":versions.bzl", "meets", "version_interval")
load(":wheel_names.bzl", "parse_wheel_name")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

def plan_wheels(hub, content, file, pythons, platforms, extras = [], groups = [], newest = {}, overrides = {}):
    """Plans the repositories of a lock.

    Args:
      hub: name of the hub repository.
      content: text of the lock.
      file: its name, for messages.
      pythons: versions such as "3.11"; the first one is the default.
      platforms: names out of PLATFORMS.
      extras: extras of the project of the lock that are asked for.
      groups: its dependency groups that are asked for.
      newest: newest version of glibc, musl and macos that a wheel may ask for, where it is not the default.
      overrides: dict from package to the label that is used instead of its wheel.

    Returns:
      (plan, error): a struct and None, or None and a text for `fail()`. The struct:
        lock: the model (model.bzl);
        packages: dict from package to a dict from configuration (`cp311_linux_x86_64`) to where its `:whl` is;
        missing: the same dict, but to the message of what cannot be had;
        sdists: the same dict, but to where its source archive is;
        overrides: dict from normalized name to label;
        used: dict from configuration to a dict from package to its index in the lock;
        edges: dict from configuration to the edges of `resolve`, or None;
        nodes: dict from configuration to a dict from package to its nodes in the edges;
        wheels: list of structs, one for each repository.
    """
    error = check_axes(hub, pythons, platforms, newest)
    if error:
        return None, error
    lock, error = read_lock(content, file)
    if error:
        return None, error
    asked = struct(
        extras = [normalize_name(extra) for extra in extras],
        groups = [normalize_name(group) for group in groups],
        newest = DEFAULT_NEWEST | newest,
    )
    overrides = {normalize_name(name): label for name, label in overrides.items()}
    error = _check_asked(hub, lock, asked) or _check_covered(hub, lock, pythons, platforms) or \
            _check_overrides(hub, lock, overrides)
    if error:
        return None, error
    plan = struct(
        lock = lock,
        packages = {package.name: {} for package in lock.packages},
        missing = {package.name: {} for package in lock.packages},
        sdists = {package.name: {} for package in lock.packages},
        overrides = overrides,
        used = {},
        edges = {},
        nodes = {},
        wheels = [],
    )
    state = struct(hub = hub, names = {}, repositories = {}, newest = newest, archives = _number_archives(lock), slots = {})
    for python in pythons:
        for platform in platforms:
            config = config_name(python, platform)
            found, problem = resolve(lock, marker_environment(python, platform), asked.extras, asked.groups)
            if problem:
                where = "{}:{}".format(file, problem.place)
                return None, error_text("wheels lock", where, "{} for {}".format(problem.got, config), problem.expected, problem.hint)
            tags = wheel_tags(python, platform, asked.newest)
            plan.used[config] = found.packages
            plan.edges[config] = found.edges
            nodes = plan.nodes.setdefault(config, {})
            for node in found.edges or {}:
                nodes.setdefault(node.partition("[")[0], []).append(node)
            for index in found.packages.values():
                _place(plan, state, lock.packages[index], index, python, platform, tags)
                _place_archive(plan, state, lock.packages[index], index, config)
    return plan, None

def _place(plan, state, package, index, python, platform, tags):
    """Finds where the wheel of a package is on one python and platform."""
    config = config_name(python, platform)
    if package.hashes:
        repository = repository_name(state.hub, package.name, config)
        plan.packages[package.name][config] = "@{}//".format(repository)
        plan.wheels.append(_repository(repository, package, config, python = python, platform = platform, hashes = package.hashes, newest = state.newest))
        return
    if index not in state.names:
        state.names[index] = [parse_wheel_name(wheel.file)[0] for wheel in package.wheels]
    best = choose_wheel(state.names[index], tags)
    if best < 0:
        plan.missing[package.name][config] = _missing(state.hub, package, python, platform)
        plan.packages[package.name][config] = "//{}/missing_{}".format(package.name, config)
        return
    wheel = package.wheels[best]

    # The first configuration that uses a wheel names its repository; the others share it.
    key = (package.name, wheel.sha256)
    if key not in state.repositories:
        state.repositories[key] = repository_name(state.hub, package.name, config)
        plan.wheels.append(_repository(
            state.repositories[key],
            package,
            config,
            file = wheel.file,
            url = wheel.url,
            path = wheel.path,
            hashes = [wheel.sha256],
        ))
    plan.packages[package.name][config] = "@{}//".format(state.repositories[key])

def _number_archives(lock):
    """Returns a dict from index to which source archive of its name that is."""
    numbers, counts = {}, {}
    for index, package in enumerate(lock.packages):
        if package.archive:
            numbers[index] = counts.get(package.name, 0)
            counts[package.name] = numbers[index] + 1
    return numbers

def _place_archive(plan, state, package, index, config):
    """Finds where the source archive of a package is."""
    if index not in state.archives:
        return
    slot = sdist_slot(state.archives[index])
    repository = repository_name(state.hub, package.name, slot)
    plan.sdists[package.name][config] = "@{}//:sdist".format(repository)
    if repository not in state.slots:
        state.slots[repository] = None
        archive = package.archive
        plan.wheels.append(_repository(repository, package, slot, file = archive.file, url = archive.url, path = archive.path, hashes = [archive.sha256]))

def _repository(name, package, slot, python = "", platform = "", file = "", url = "", path = "", hashes = [], newest = {}):
    return struct(
        repository = name,
        slot = slot,
        package = package.name,
        version = package.version or "0",
        python = python,
        platform = platform,
        hashes = hashes,
        newest = newest,
        file = file,
        url = url,
        path = path,
    )

def _missing(hub, package, python, platform):
    what = "{} {}".format(package.name, package.version).strip()
    where = "@{}//{} (python {}, {})".format(hub, package.name, python, platform)
    if package.not_a_wheel:
        hint = "build it in this workspace, and name that target instead"
        return error_text("wheel", where, "{}: {}".format(what, package.not_a_wheel), "a wheel", hint)
    hint = "pin a version with such a wheel, or name one that a build makes{} in wheels.lock(name = '{}', overrides = {{'{}': ...}}), ".format(
        " (sdist_wheel, of @{}//{}:sdist)".format(hub, package.name) if package.archive else "",
        hub,
        package.name,
    ) + "or leave the python or platform out"
    if not package.wheels:
        got = "{}: the source archive '{}' only".format(what, package.sdist) if package.sdist else what + ": no file at all"
        return error_text("wheel", where, got, "a wheel", hint)
    return error_text(
        "wheel",
        where,
        "{}: {} wheels, and none fits{}".format(what, len(package.wheels), " (a source archive is there)" if package.sdist else ""),
        "a wheel for this python and platform",
        "@{}//{}:explain says why of each; {}".format(hub, package.name, hint),
    )

def check_axes(hub, pythons, platforms, newest):
    """Checks what a user asks for, as far as it can be judged without the lock.

    Args:
      hub: name of the hub repository.
      pythons: see `plan_wheels`.
      platforms: see `plan_wheels`.
      newest: see `plan_wheels`.

    Returns:
      None, or a text for `fail()`.
    """
    where = "wheels.lock(name = \"{}\")".format(hub)
    if not pythons or not platforms:
        return error_text("wheels", where, "an empty list", "at least one python and one platform")
    for python in pythons:
        if parse_python(python) == None:
            return error_text("wheels", where, "python '{}'".format(python), "a version, such as '3.11', '3.11.9' or '3.13t'")
    for platform in platforms:
        if platform not in PLATFORMS:
            return error_text("wheels", where, "platform '{}'".format(platform), "one of " + ", ".join(sorted(PLATFORMS)))
    for values in [[python_tag(python) for python in pythons], platforms]:
        for index, value in enumerate(values):
            if value in values[:index]:
                return error_text("wheels", where, "'{}' a second time".format(value), "each one once")
    for system, version in newest.items():
        parts = version.split(".")
        if system not in DEFAULT_NEWEST or len(parts) != 2 or [part for part in parts if not part.isdigit()]:
            return error_text(
                "wheels",
                where,
                "newest '{}': '{}'".format(system, version),
                "{}, each with a version such as '2.28'".format(", ".join(sorted(DEFAULT_NEWEST))),
            )
    return None

def _check_asked(hub, lock, asked):
    where = "wheels.lock(name = \"{}\")".format(hub)
    for names, known, what in [(asked.extras, lock.extras, "extra"), (asked.groups, lock.groups, "group")]:
        for name in names:
            if name not in known:
                expected = "one of " + ", ".join(known) if known else "none, since {} has none".format(lock.format)
                return error_text("wheels", where, "{} '{}'".format(what, name), expected)
    own = [lock.packages[index].name for index in lock.roots or []]
    for conflict in lock.conflicts:
        chosen = [
            item.get("extra") or item.get("group")
            for item in conflict
            if item["package"] in own and (item.get("extra") in asked.extras or item.get("group") in asked.groups)
        ]
        if len(chosen) > 1:
            return error_text("wheels", where, " and ".join(["'{}'".format(name) for name in chosen]), "one of them: the lock says that they conflict")
    return None

def _check_overrides(hub, lock, overrides):
    known = {package.name: None for package in lock.packages}
    for name in overrides:
        if name not in known:
            where = "wheels.lock(name = \"{}\")".format(hub)
            return error_text("wheels", where, "an override of '{}', which {} does not have".format(name, lock.file), "a package of the lock")
    return None

def _check_covered(hub, lock, pythons, platforms):
    """Refuses pythons and platforms that the lock was not made for."""
    where = "wheels.lock(name = \"{}\")".format(hub)
    for python in pythons:
        covered, error = meets(version_interval(python.removesuffix("t"), full = True), lock.requires_python)
        if error:
            return error_text("wheels lock", lock.file, "requires-python {}".format(error), "specifiers such as '>=3.11'")
        if covered == False:
            return error_text("wheels", where, "python '{}'".format(python), lock.requires_python + ", which the lock is made for")
        for platform in platforms if lock.environments else []:
            answers = [evaluate_marker(marker, marker_environment(python, platform)) for marker in lock.environments]
            if not [True for answer, error in answers if answer or error]:
                return error_text(
                    "wheels",
                    where,
                    "python '{}' on {}".format(python, platform),
                    "an environment that the lock is made for: " + " or ".join(lock.environments),
                    "lock for it too, or leave it out of wheels.lock",
                )
    return None
