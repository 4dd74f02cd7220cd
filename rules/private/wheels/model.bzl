"""The internal model of a lock. Every reader makes one, and everything after the readers knows nothing else.

A model is a struct, and so is each of its parts; `lock.json` of a hub shows it.

    format            "requirements.txt", "uv.lock" or "pylock.toml"
    file              name of the lock, for messages
    requires_python   specifiers such as ">=3.11", or ""
    environments      markers, of which one must be true; empty: any environment
    extras, groups    what wheels.lock(extras, groups) may ask for
    default_groups    the groups when none is asked for
    conflicts         lists of {"package", "extra" or "group"}, of which only one at a time may be asked for
    roots             indices of the packages that the walk over the dependencies begins with; None: every package whose
                      marker is true is used
    packages          list of packages

A package:

    name, version     normalized name; "" for a version that is not known
    source            where it is from, in the words of the lock; tells two packages of one name and version apart
    marker            when it is used (a lock without roots), or ""
    forks             markers, of which one is true where this version is used; empty: everywhere
    requires_python   specifiers, or ""
    wheels            list of wheels, in the order of the lock
    hashes            sha256 of wheels whose names the lock does not tell (requirements.txt)
    sdist             file name of the source archive, or ""
    archive           the source archive, described like a wheel; None where the lock has none or no sha256 of it
    not_a_wheel       why there is no wheel for it, for example that it is the project itself; or ""
    own               whether it is source code of the user's own workspace, so that no wheel is missed
    dependencies      list of dependencies; None: the lock does not tell
    optional          dict from extra to list of dependencies
    groups            dict from dependency group to list of dependencies
    variants_json     file with the properties of the variants of its wheels (PEP 825), described like a wheel; or None
    line              line of the lock

A wheel: file, url or path (the other one is ""; a path is relative to the lock), size (0: not known), sha256.

A dependency: name, version and source (each "" when the name alone is enough), extras, marker.
"""

load(":names.bzl", "normalize_name")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

def new_lock(
        format,
        file,
        packages,
        roots = None,
        requires_python = "",
        environments = [],
        extras = [],
        groups = [],
        default_groups = [],
        conflicts = []):
    """Makes a model; see the top of this file.

    Args:
      format: see above.
      file: see above.
      packages: see above.
      roots: see above.
      requires_python: see above.
      environments: see above.
      extras: see above.
      groups: see above.
      default_groups: see above.
      conflicts: see above.

    Returns:
      the struct.
    """
    return struct(
        format = format,
        file = file,
        requires_python = requires_python,
        environments = environments,
        extras = sorted({normalize_name(extra): None for extra in extras}),
        groups = sorted({normalize_name(group): None for group in groups}),
        default_groups = [normalize_name(group) for group in default_groups],
        conflicts = conflicts,
        roots = roots,
        packages = packages,
    )

def new_package(
        name,
        version,
        line,
        source = "",
        marker = "",
        forks = [],
        requires_python = "",
        wheels = [],
        hashes = [],
        sdist = "",
        archive = None,
        not_a_wheel = "",
        own = False,
        dependencies = None,
        optional = {},
        groups = {},
        variants_json = None):
    """Makes a package; see the top of this file.

    Args:
      name: see above.
      version: see above.
      line: see above.
      source: see above.
      marker: see above.
      forks: see above.
      requires_python: see above.
      wheels: see above.
      hashes: see above.
      sdist: see above.
      archive: see above.
      not_a_wheel: see above.
      own: see above.
      dependencies: see above.
      optional: see above.
      groups: see above.
      variants_json: see above.

    Returns:
      the struct.
    """
    return struct(
        name = normalize_name(name),
        version = version,
        source = source,
        marker = marker,
        forks = forks,
        requires_python = requires_python,
        wheels = wheels,
        hashes = sorted(hashes),
        sdist = sdist,
        archive = archive,
        not_a_wheel = not_a_wheel,
        own = own,
        dependencies = dependencies,
        optional = optional,
        groups = groups,
        variants_json = variants_json,
        line = line,
    )

def new_dependency(name, version = "", source = "", extras = [], marker = ""):
    """Makes a dependency; see the top of this file.

    Args:
      name: see above.
      version: see above.
      source: see above.
      extras: see above.
      marker: see above.

    Returns:
      the struct.
    """
    return struct(
        name = normalize_name(name),
        version = version,
        source = source,
        extras = [normalize_name(extra) for extra in extras],
        marker = marker,
    )

def new_wheel(where, sha256, size = 0, file = "", folder = ""):
    """Makes a wheel.

    Args:
      where: its url, or its path.
      sha256: hex digest.
      size: bytes; 0 when not known.
      file: its name; empty: the last part of `where`.
      folder: what a path is relative to.

    Returns:
      the struct.
    """
    is_url = "://" in where
    path = "" if is_url else (folder.rstrip("/") + "/" + where if folder and not where.startswith("/") else where)
    return struct(
        file = file or file_of(where),
        url = where if is_url else "",
        path = path.removeprefix("./"),
        size = size,
        sha256 = sha256,
    )

def new_archive(where, hash, size = 0, file = "", folder = ""):
    """Makes a source archive.

    Args:
      where: its url, or its path.
      hash: algorithm, colon, digest; or "".
      size: bytes; 0 when not known.
      file: its name; empty: the last part of `where`.
      folder: what a path is relative to.

    Returns:
      the struct; None when there is no sha256, so that nothing can be fetched.
    """
    algorithm, _, digest = hash.partition(":")
    if not where or check_sha256(algorithm, digest):
        return None
    return new_wheel(where, digest, size, file = file, folder = folder)

def file_of(where):
    """Tells the file name of a url or path, with %XX decoded.

    Args:
      where: the url or path.

    Returns:
      the name; it has no slash.
    """
    name = where.partition("#")[0].partition("?")[0].rstrip("/").split("/")[-1]
    parts = name.split("%")
    text = parts[0]
    for part in parts[1:]:
        code = part[:2].lower()
        safe = len(code) == 2 and not code.strip("0123456789abcdef") and int(code, 16) in range(33, 127)
        text += json.decode("\"\\u00" + code + "\"") + part[2:] if safe and code not in ["22", "2f", "5c"] else "%" + part
    return text

def check_sha256(algorithm, digest):
    """Checks a hash of a lock.

    Args:
      algorithm: its algorithm.
      digest: its value.

    Returns:
      None, or "got X, expected Y".
    """
    if algorithm != "sha256":
        return "got a hash '{}', expected sha256".format(algorithm)
    if len(digest) != 64 or digest.strip("0123456789abcdef"):
        return "got sha256 '{}' ({} characters), expected 64 hex digits".format(digest, len(digest))
    return None
