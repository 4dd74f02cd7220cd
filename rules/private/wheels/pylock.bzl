"""Reader of pylock.toml (PEP 751), lock-version 1.0, with the table `variants-json` of PEP 825."""

load(":errors.bzl", "error_text")
load(":model.bzl", "check_sha256", "file_of", "new_archive", "new_dependency", "new_lock", "new_package", "new_wheel")
load(":tables.bzl", "add_problem", "field", "line_of", "new_problems", "tables", "texts")
load(":toml.bzl", "parse_toml")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

_HINT = "lock with a tool that writes lock-version 1.0"

def read_pylock(content, file):
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
    version = root.get("lock-version")
    if type(version) != "string" or not version.startswith("1."):
        return None, error_text("wheels lock", file, "lock-version {}".format(repr(version)), "\"1.0\"", _HINT)
    problems = new_problems(file)
    packages = [_package(problems, table) for table in tables(problems, root, 0, "packages")]
    if not packages and not problems.found:
        add_problem(problems, 0, "got no package, expected at least one")
    lock = new_lock(
        "pylock.toml",
        file,
        packages,
        requires_python = field(problems, root, 0, "requires-python", "string"),
        environments = texts(problems, root, 0, "environments"),
        extras = texts(problems, root, 0, "extras"),
        groups = texts(problems, root, 0, "dependency-groups"),
        default_groups = texts(problems, root, 0, "default-groups"),
    )
    return (None, problems.found[0]) if problems.found else (lock, None)

def _package(problems, table):
    line = line_of(table, 0)
    name = field(problems, table, line, "name", "string", required = True)
    kinds = [kind for kind in ["vcs", "directory", "archive"] if kind in table]
    files = [kind for kind in ["sdist", "wheels"] if kind in table]
    if len(kinds) + (1 if files else 0) > 1:
        add_problem(problems, line, "got {} of '{}', expected one of vcs, directory, archive, or sdist and wheels".format(
            " and ".join(kinds + files),
            name,
        ))
    wheels = [_wheel(problems, row, line) for row in tables(problems, table, line, "wheels")]
    sdist = field(problems, table, line, "sdist", "dict")
    not_a_wheel = ""
    if "vcs" in table:
        vcs = field(problems, table, line, "vcs", "dict")
        not_a_wheel = "a repository, '{}'".format(vcs.get("url") or vcs.get("path"))
    elif "directory" in table:
        not_a_wheel = "source code in the directory '{}'".format(field(problems, table, line, "directory", "dict").get("path"))
    elif "archive" in table:
        archive = field(problems, table, line, "archive", "dict")
        if file_of(archive.get("url") or archive.get("path") or "").endswith(".whl"):
            wheels = [_wheel(problems, archive, line)]
        else:
            sdist = archive
    dependencies = None
    if "dependencies" in table:
        # A row has whatever tells the package apart from others.
        dependencies = [
            new_dependency(
                field(problems, row, line, "name", "string", required = True),
                version = field(problems, row, line, "version", "string"),
            )
            for row in tables(problems, table, line, "dependencies")
        ]
    return new_package(
        name,
        field(problems, table, line, "version", "string"),
        line,
        source = field(problems, table, line, "index", "string"),
        marker = field(problems, table, line, "marker", "string"),
        requires_python = field(problems, table, line, "requires-python", "string"),
        wheels = wheels,
        sdist = sdist.get("name") or file_of(sdist.get("url") or sdist.get("path") or "") if sdist else "",
        archive = new_archive(
            field(problems, sdist, line, "url", "string") or field(problems, sdist, line, "path", "string"),
            "sha256:{}".format(field(problems, sdist, line, "hashes", "dict").get("sha256", "")),
            field(problems, sdist, line, "size", "int"),
            file = field(problems, sdist, line, "name", "string"),
        ) if sdist else None,
        not_a_wheel = not_a_wheel,
        own = "directory" in table,
        dependencies = dependencies,
        variants_json = _wheel(problems, table["variants-json"], line) if type(table.get("variants-json")) == "dict" else None,
    )

def _wheel(problems, row, line):
    where = field(problems, row, line, "url", "string") or field(problems, row, line, "path", "string")
    file = field(problems, row, line, "name", "string") or file_of(where)
    hashes = field(problems, row, line, "hashes", "dict")
    if not where:
        add_problem(problems, line, "got '{}' without url and path, expected one of them".format(file))
    elif type(hashes.get("sha256")) != "string":
        add_problem(problems, line, "got '{}' without hashes.sha256, expected it".format(file))
    else:
        wrong = check_sha256("sha256", hashes["sha256"])
        if wrong:
            add_problem(problems, line, wrong)
        return new_wheel(where, hashes["sha256"], field(problems, row, line, "size", "int"), file = file)
    return None
