"""What of a lock is used on one python and platform: which version of each package, and who needs whom.

A lock with roots (uv.lock) is walked from them along the edges whose markers are true. The markers may ask which extras and
groups are active, in uv's encoding, and walking may activate more of them; so there are two walks, as uv does it: the first
collects what is active, the second one decides with all of it. Without roots each package whose marker is true is used.

A node is the name of a package, or `name[extra]` for what an extra adds.
"""

load(":markers.bzl", "evaluate_marker")
load(":names.bzl", "normalize_name")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

_MARKER_HINT = "lock without this marker, for the pythons and platforms of the wheels.lock call"
_PATCH_HINT = "name the python with its patch release in wheels.lock(pythons), such as '3.11.9'"

def resolve(lock, environment, extras, groups):
    """Finds what is used.

    Args:
      lock: model (model.bzl).
      environment: result of `marker_environment`.
      extras: normalized names of the extras that are asked for.
      groups: normalized names of the dependency groups that are asked for.

    Returns:
      (used, error): a struct (packages, edges): a dict from name to index in `lock.packages`, and a dict from node to list
      of nodes, or None when the lock does not tell; and None. Or None and a struct (place, got, expected, hint); the place is a line,
      or what of the line.
    """
    if lock.roots == None:
        return _filter(lock, environment | {
            "dependency_groups": groups or lock.default_groups,
            "extras": extras,
        } if lock.format == "pylock.toml" else environment)
    by_name = {}
    for index, package in enumerate(lock.packages):
        by_name.setdefault(package.name, []).append(index)
    active = {}
    for index in lock.roots:
        package = lock.packages[index]
        _activate(active, "project", package.name, None)
        for extra in extras:
            if extra in package.optional:
                _activate(active, "extra", package.name, extra)
        for group in groups:
            if group in package.groups:
                _activate(active, "group", package.name, group)
    walk = struct(lock = lock, by_name = by_name, environment = environment, extras = extras, groups = groups)
    if lock.conflicts:
        _, error = _walk(walk, active, grow = True)
        if error:
            return None, error
    return _walk(walk, active, grow = False)

def _error(place, got, expected, hint = None):
    return None, struct(place = place, got = got, expected = expected, hint = hint)

def _marker_error(line, message):
    got, _, expected = message.removeprefix("got ").partition(", expected ")
    return _error("{}: marker".format(line), got, expected, _PATCH_HINT if "answer alike" in expected else _MARKER_HINT)

def _filter(lock, environment):
    packages, edges = {}, {}
    for index, package in enumerate(lock.packages):
        if package.marker:
            applies, error = evaluate_marker(package.marker, environment)
            if error:
                return _marker_error(package.line, error)
            if not applies:
                continue
        if package.name in packages:
            return _error(
                package.line,
                "'{}' a second time (first on line {})".format(package.name, lock.packages[packages[package.name]].line),
                "one pin for each python and platform",
                "lock anew, or add markers that exclude each other",
            )
        packages[package.name] = index
    if [package for package in lock.packages if package.dependencies != None]:
        for name, index in packages.items():
            needs = lock.packages[index].dependencies or []
            edges[name] = sorted({need.name: None for need in needs if need.name in packages})
    return struct(packages = packages, edges = edges or None), None

def _activate(active, kind, project, name):
    """Notes an extra, group or project in the form in which uv's markers ask for it."""
    active["-".join([kind, str(len(project)), project] + ([name] if name else []))] = None

def _walk(walk, active, grow):
    lock = walk.lock
    packages, edges, answers = {}, {}, {}
    queue, seen = [], {}
    for index in walk.lock.roots:
        queue.append((index, "", lock.packages[index].dependencies))
        queue.extend([(index, "", lock.packages[index].optional.get(extra, [])) for extra in walk.extras])
        queue.extend([(index, "", lock.packages[index].groups.get(group, [])) for group in walk.groups])
        seen[(index, "")] = None
        packages[lock.packages[index].name] = index

    # Each node is in the queue once, so the bound is the number of nodes and of the lists of the roots.
    bound = len(queue)
    for package in lock.packages:
        bound += 1 + len(package.optional)
    for position in range(bound):
        if position >= len(queue):
            break
        index, extra, dependencies = queue[position]
        package = lock.packages[index]
        node = "{}[{}]".format(package.name, extra) if extra else package.name
        targets = edges.setdefault(node, {package.name: None} if extra else {})
        for need in dependencies or []:
            added = {}
            if grow:
                for name in need.extras:
                    _activate(added, "extra", need.name, name)
            applies, error = _applies(walk, need.marker, active | added if added else active, answers, grow)
            if error:
                return _marker_error(package.line, "{} (of '{}' for '{}')".format(error, need.name, node))
            if not applies:
                continue
            active.update(added)
            found, error = _find(walk, need, active)
            if error:
                return _error(package.line, *error)
            target = lock.packages[found]
            first = packages.setdefault(target.name, found)
            if not grow and first != found:
                return _error(
                    target.line,
                    "'{}' {} and {} at once".format(target.name, lock.packages[first].version, target.version),
                    "one version for each python and platform",
                    "the lock has extras or groups that exclude each other: name one of them in wheels.lock(extras, groups)",
                )
            for name in [""] + need.extras:
                if name and name not in target.optional:
                    continue
                targets["{}[{}]".format(target.name, name) if name else target.name] = None
                if (found, name) not in seen:
                    seen[(found, name)] = None
                    queue.append((found, name, target.optional[name] if name else target.dependencies))
    return struct(packages = packages, edges = {
        node: sorted([target for target in targets if target != node])
        for node, targets in edges.items()
    }), None

def _applies(walk, marker, active, answers, grow):
    """Evaluates a marker of an edge. `answers`: those that cannot change any more."""
    if not marker:
        return True, None
    if marker in answers:
        return answers[marker], None
    asks = "extra" in marker
    wrong = _foreign_extra(marker) if asks else None
    if wrong:
        return None, "got extra '{}', expected one in uv's encoding, extra-<length>-<project>-<extra>".format(wrong)
    answer, error = evaluate_marker(marker, walk.environment | ({"extra": active} if asks else {}))
    if not error and not (asks and grow):
        answers[marker] = answer
    return answer, error

def _foreign_extra(marker):
    """Returns a value that `extra` is compared with and that is none of uv's: it would be false without a word."""
    for part in marker.replace("\"", "'").split("extra ")[1:]:
        value = part.lstrip("=! ").removeprefix("'").partition("'")[0]
        words = value.split("-")
        if words[0] not in ["extra", "group", "project"] or len(words) < 3 or not words[1].isdigit():
            return value
    return None

def _find(walk, need, active):
    """Finds the package that an edge leads to. Returns (index, error)."""
    found = [
        index
        for index in walk.by_name.get(normalize_name(need.name), [])
        if need.version in ["", walk.lock.packages[index].version] and need.source in ["", walk.lock.packages[index].source]
    ]
    if len(found) > 1:
        # The edge does not say which one: that of the fork.
        found = [index for index in found if _in_fork(walk, walk.lock.packages[index], active)]
    if len(found) != 1:
        what = "{} {}".format(need.name, need.version).strip()
        return None, ("{} packages for the dependency '{}'".format(len(found), what), "one", "lock anew")
    return found[0], None

def _in_fork(walk, package, active):
    if not package.forks:
        return True
    for marker in package.forks:
        answer, error = evaluate_marker(marker, walk.environment | {"extra": active})
        if answer and not error:
            return True
    return False
