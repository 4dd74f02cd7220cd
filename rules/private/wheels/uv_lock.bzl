"""Reader of uv.lock, version 1.

The revision of the format may be any: uv promises that all readers of a version read all of its revisions.

What the walk over the dependencies needs to know: an edge may name one of several versions (forks), and a marker may ask for
extras and groups of the user's own projects in the form `extra == 'extra-<len>-<project>-<extra>'`, `group-…`, `project-…`.
These are not extras of the package that the marker stands at; `resolve.bzl` evaluates them.
"""

load(":errors.bzl", "error_text")
load(":model.bzl", "check_sha256", "file_of", "new_archive", "new_dependency", "new_lock", "new_package", "new_wheel")
load(":names.bzl", "normalize_name")
load(":tables.bzl", "add_problem", "field", "line_of", "new_problems", "tables", "texts")
load(":toml.bzl", "parse_toml")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

# Kinds of sources without a wheel -> what they are.
_NO_WHEEL = {
    "directory": "source code in the directory",
    "editable": "source code in the directory",
    "git": "a git repository,",
    "virtual": "the project in the directory",
}
_SOURCES = ["registry", "url", "path"] + list(_NO_WHEEL)
_HASH_HINT = "uv writes none for files of a folder: lock with `uv export --format pylock.toml`"
_UV_HINT = "lock with a uv that writes version 1, or export: `uv export --format pylock.toml`"

def read_uv_lock(content, file):
    """Reads a lock.

    Args:
      content: text of the file.
      file: its name, for messages.

    Returns:
      (lock, error): a model (model.bzl) and None, or None and a text for `fail()`.
    """
    root, error = parse_toml(content, file)
    if error:
        return None, error
    if root.get("version") != 1:
        return None, error_text("wheels lock", file, "uv.lock version {}".format(root.get("version")), "version 1", _UV_HINT)
    problems = new_problems(file)
    manifest = field(problems, root, 0, "manifest", "dict")
    members = [normalize_name(name) for name in texts(problems, manifest, line_of(manifest, 0), "members")]
    packages, roots = [], []
    for table in tables(problems, root, 0, "package"):
        package = _package(problems, table)
        if package.name in members or (not members and package.source in _OWN):
            roots.append(len(packages))
        packages.append(package)
    extra_root = _manifest_root(problems, manifest)
    if extra_root:
        roots.append(len(packages))
        packages.append(extra_root)
    conflicts = _conflicts(problems, root)
    if not problems.found and not roots:
        add_problem(problems, 0, "got no project in it, expected a package with the source virtual or editable \".\", or a manifest")
    own = [packages[index] for index in roots]
    lock = new_lock(
        "uv.lock",
        file,
        packages,
        roots = roots,
        requires_python = field(problems, root, 0, "requires-python", "string"),
        environments = texts(problems, root, 0, "supported-markers"),
        extras = [extra for package in own for extra in package.optional],
        groups = [group for package in own for group in package.groups],
        conflicts = conflicts,
    )
    return (None, problems.found[0]) if problems.found else (lock, None)

# Sources of the one project of a lock that is no workspace.
_OWN = ["editable .", "virtual ."]

def _package(problems, table):
    line = line_of(table, 0)
    name = field(problems, table, line, "name", "string", required = True)
    kind, where = _source(problems, table, line)

    # A folder as registry has paths relative to it; a path is the wheel.
    folder = where if kind == "registry" and "://" not in where else ""
    whole = where if kind == "path" else ""
    sdist = field(problems, table, line, "sdist", "dict")
    return new_package(
        name,
        field(problems, table, line, "version", "string"),
        line,
        source = "{} {}".format(kind, where),
        forks = texts(problems, table, line, "resolution-markers"),
        wheels = [_wheel(problems, row, line, folder, whole, name) for row in tables(problems, table, line, "wheels")],
        sdist = file_of(sdist.get("url") or sdist.get("path") or where) if sdist else "",
        archive = new_archive(
            field(problems, sdist, line, "url", "string") or field(problems, sdist, line, "path", "string") or (where if kind in ["path", "url"] else ""),
            field(problems, sdist, line, "hash", "string"),
            field(problems, sdist, line, "size", "int"),
            folder = folder,
        ) if sdist else None,
        not_a_wheel = "{} '{}'".format(_NO_WHEEL[kind], where) if kind in _NO_WHEEL else "",
        own = kind in _NO_WHEEL and kind != "git",
        dependencies = _dependencies(problems, table, line, "dependencies"),
        optional = _extras(problems, table, line),
        groups = _named(problems, table, line, "dev-dependencies"),
    )

def _source(problems, table, line):
    """Returns (kind, where) of a source."""
    source = field(problems, table, line, "source", "dict", required = True)
    kinds = [kind for kind in _SOURCES if kind in source]
    if len(kinds) != 1 or type(source[kinds[0]]) != "string":
        add_problem(problems, line, "got a source with {}, expected one of {}".format(
            ", ".join(sorted([key for key in source])) or "nothing",
            ", ".join(_SOURCES),
        ))
        return "", ""
    return kinds[0], source[kinds[0]]

def _wheel(problems, row, line, folder, whole, name):
    named = field(problems, row, line, "filename", "string")
    where = field(problems, row, line, "url", "string") or field(problems, row, line, "path", "string") or whole or named
    file = named or file_of(where)
    algorithm, _, digest = field(problems, row, line, "hash", "string").partition(":")
    if not where:
        add_problem(problems, line, "got a wheel of '{}' without url, path and filename, expected one of them".format(name))
    elif not digest:
        add_problem(problems, line, "got '{}' without a hash, expected hash = \"sha256:...\"".format(file), _HASH_HINT)
    else:
        wrong = check_sha256(algorithm, digest)
        if wrong:
            add_problem(problems, line, wrong)
    return new_wheel(where, digest, field(problems, row, line, "size", "int"), file = file, folder = folder)

def _dependencies(problems, table, line, key):
    out = []
    for row in tables(problems, table, line, key):
        source = ""
        if "source" in row:
            source = "{} {}".format(*_source(problems, row, line))
        out.append(new_dependency(
            field(problems, row, line, "name", "string", required = True),
            version = field(problems, row, line, "version", "string"),
            source = source,
            extras = texts(problems, row, line, "extra") or texts(problems, row, line, "extras"),
            marker = field(problems, row, line, "marker", "string"),
        ))
    return out

def _named(problems, table, line, key):
    """Reads a table of lists of dependencies."""
    named = field(problems, table, line, key, "dict")
    line = line_of(named, line)
    return {
        normalize_name(name): _dependencies(problems, named, line, name)
        for name in named
        if type(named[name]) == "list"
    }

def _extras(problems, table, line):
    """Returns all extras of a package. uv leaves out those that need nothing, but says their names."""
    metadata = field(problems, table, line, "metadata", "dict")
    extras = texts(problems, metadata, line_of(metadata, line), "provides-extras") if "metadata" in table else []
    return {normalize_name(extra): [] for extra in extras} | _named(problems, table, line, "optional-dependencies")

def _manifest_root(problems, manifest):
    """Returns a package that stands for the requirements of a script or of a workspace without a project; or None."""
    line = line_of(manifest, 0)
    dependencies = _dependencies(problems, manifest, line, "requirements")
    groups = _named(problems, manifest, line, "dependency-groups")
    if not dependencies and not groups:
        return None
    return new_package(
        "manifest",
        "",
        line,
        source = "manifest",
        not_a_wheel = "the requirements of the lock itself",
        own = True,
        dependencies = dependencies,
        groups = groups,
    )

def _conflicts(problems, root):
    out = []
    for group in field(problems, root, 0, "conflicts", "list"):
        rows = group if type(group) == "list" else [group]
        if [row for row in rows if type(row) != "dict" or type(row.get("package")) != "string"]:
            add_problem(problems, 0, "got a conflict that is no list of tables with 'package', expected one")
            continue
        out.append([
            {"package": normalize_name(row["package"])} | {
                key: normalize_name(row[key])
                for key in ["extra", "group"]
                if key in row
            }
            for row in rows
        ])
    return out
