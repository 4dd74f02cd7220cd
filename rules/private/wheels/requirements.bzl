"""Parser of requirements.txt with hashes, as pip-compile, `uv pip compile` and `pip freeze`-like tools write it.

    numpy==2.4.6 ; python_version >= "3.11" \\
        --hash=sha256:<64 hex digits> \\
        --hash=sha256:<64 hex digits>

Every requirement is pinned, by `==` or by the URL of a wheel (`name @ https://…/name-1-py3-none-any.whl#sha256=…`), and by
at least one sha256. Lines that would bring in something else (`-r`, `-c`, `-e`, an index) are refused; `--require-hashes`, `--only-binary`, `--prefer-binary` and `--pre` change nothing for a
requirement with hashes and are ignored.
"""

load(":errors.bzl", "error_text")
load(":model.bzl", "file_of")
load(":names.bzl", "is_name", "is_version", "normalize_name")
load(":wheel_names.bzl", "parse_wheel_name")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

_IGNORED_OPTIONS = ["--only-binary", "--pre", "--prefer-binary", "--require-hashes"]
_INDEX_OPTIONS = ["--extra-index-url", "--find-links", "--index-url", "--no-index", "--trusted-host", "-f", "-i"]
_FILE_OPTIONS = ["--constraint", "--requirement", "-c", "-r"]
_PIN_HINT = "lock with `pip-compile --generate-hashes` or `uv pip compile --generate-hashes`"

def parse_requirements(content, file):
    """Parses a lock.

    Args:
      content: text of the file.
      file: its name, for messages.

    Returns:
      (requirements, error): a list of structs (name, version, url, extras, marker, hashes, line), in the order of the file,
      and None; url is "" for a requirement by version; or None and a text for `fail()`.
    """
    requirements = []
    for logical in _logical_lines(content):
        requirement, error = _parse_line(logical)
        if error:
            return None, error_text("wheels lock", "{}:{}".format(file, error.line), error.got, error.expected, error.hint)
        if requirement:
            requirements.append(requirement)
    if not requirements:
        return None, error_text("wheels lock", file, "no requirement", "at least one", _PIN_HINT)
    return requirements, None

def _error(line, got, expected, hint = None):
    return None, struct(line = line, got = got, expected = expected, hint = hint)

def _logical_lines(content):
    """Returns a list of lists of (line number, token): continuation lines joined, comments dropped."""
    lines, current = [], []
    for index, raw in enumerate(content.split("\n")):
        text = raw.rstrip("\r")
        code = _strip_comment(text)
        continued = code.endswith("\\")
        words = (code[:-1] if continued else code).replace("\t", " ").split(" ")
        current += [(index + 1, word) for word in words if word]

        # A comment ends a continued line, as in pip.
        if current and not continued:
            lines.append(current)
            current = []
    return lines + ([current] if current else [])

def _strip_comment(text):
    before = text.lstrip()
    if before.startswith("#"):
        return ""
    for mark in [" #", "\t#"]:
        text = text.partition(mark)[0]
    return text.rstrip()

def _parse_line(tokens):
    line, first = tokens[0]
    if first.startswith("-"):
        return _parse_option(line, first.partition("=")[0])
    words = [token for _, token in tokens]
    split = len(words)
    for index, word in enumerate(words):
        if word.startswith("--"):
            split = index
            break
    spec, _, marker = " ".join(words[:split]).partition(";")
    pin, error = _parse_pin(line, spec.strip())
    if error:
        return None, error
    hashes, error = _parse_hashes(([(line, "--hash=sha256:" + pin.sha256)] if pin.sha256 else []) + tokens[split:])
    if error:
        return None, error
    if pin.url and len(hashes) > 1:
        return _error(line, "{} hashes of one URL".format(len(hashes)), "one", _PIN_HINT)
    if not hashes:
        return _error(line, "'{}' without a hash".format(spec.strip()), "at least one --hash=sha256:...", _PIN_HINT)
    return struct(
        name = pin.name,
        version = pin.version,
        url = pin.url,
        extras = pin.extras,
        marker = marker.strip(),
        hashes = hashes,
        line = line,
    ), None

def _parse_option(line, option):
    if option in _IGNORED_OPTIONS:
        return None, None
    if option in _INDEX_OPTIONS:
        return _error(
            line,
            "'{}'".format(option),
            "no package index in the lock",
            "set the index where pip finds it (pip.conf, PIP_INDEX_URL) and lock with `--no-emit-index-url`",
        )
    if option in _FILE_OPTIONS:
        return _error(line, "'{}'".format(option), "all requirements in one file", _PIN_HINT)
    return _error(line, "'{}'".format(option), "a requirement `name==version --hash=sha256:...`", _PIN_HINT)

def _parse_pin(line, spec):
    """Parses `name[extra, ...]==version` or `name[extra, ...] @ url#sha256=HEX`."""
    before, at, url = spec.partition("@")
    if at:
        return _parse_url(line, spec, before.strip(), url.strip())
    left, operator, version = spec.partition("==")
    left, version = left.strip(), version.strip()
    if not operator or left[-1:] in ["<", ">", "!", "~", "="] or not is_version(version):
        return _error(line, "'{}'".format(spec), "one exact version, name==version", _PIN_HINT)
    return _named(line, left, version)

def _parse_url(line, spec, left, url):
    """Reads a wheel that is given by its URL: the name of the file says the version."""
    where, _, fragment = url.partition("#")
    hashes = [part for part in fragment.split("&") if part.startswith("sha256=")]
    wheel, error = parse_wheel_name(file_of(where))
    if error or "://" not in where:
        return _error(line, "'{}'".format(spec), "the URL of a wheel, name @ https://.../name-1-py3-none-any.whl", _PIN_HINT)
    pin, error = _named(line, left, wheel.version, where, hashes[0].removeprefix("sha256=") if hashes else "")
    if not error and pin.name != wheel.name:
        return _error(line, "'{}' at the URL of a wheel of '{}'".format(pin.name, wheel.name), "one name", _PIN_HINT)
    return pin, error

def _named(line, left, version, url = "", sha256 = ""):
    """Reads `name[extra, ...]`."""
    name, bracket, extras = left.partition("[")
    name = name.strip()
    if not is_name(name) or (bracket and not extras.endswith("]")):
        return _error(line, "'{}'".format(left), "a package name, with or without [extras]", None)
    extras = [extra.strip() for extra in extras[:-1].split(",") if extra.strip()]
    for extra in extras:
        if not is_name(extra):
            return _error(line, "extra '{}'".format(extra), "a name", None)
    return struct(name = normalize_name(name), version = version, extras = sorted(extras), url = url, sha256 = sha256), None

def _parse_hashes(tokens):
    """Parses a run of `--hash=sha256:HEX` or `--hash sha256:HEX`."""
    hashes = []
    value_next = False
    for line, token in tokens:
        if not value_next and token == "--hash":
            value_next = True
            continue
        if not value_next and not token.startswith("--hash="):
            return _error(line, "'{}'".format(token), "--hash=sha256:... or the end of the requirement", None)
        value = token if value_next else token[len("--hash="):]
        value_next = False
        algorithm, _, digest = value.partition(":")
        if algorithm != "sha256":
            return _error(line, "a hash '{}'".format(algorithm), "sha256", _PIN_HINT)
        digest = digest.lower()
        if len(digest) != 64 or digest.strip("0123456789abcdef"):
            return _error(line, "sha256 '{}' ({} characters)".format(digest, len(digest)), "64 hex digits", None)
        if digest in hashes:
            return _error(line, "sha256 '{}' a second time".format(digest), "each hash once", "lock anew")
        hashes.append(digest)
    if value_next:
        return _error(tokens[-1][0], "--hash without a value", "--hash=sha256:...", None)
    return hashes, None
