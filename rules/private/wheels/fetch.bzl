"""Gets the file of one wheel.

Where the lock has a URL, it is asked, by Bazel's own downloader (with its credential helper, netrc and repository cache).
Where it has a path, that file is taken. Where it has hashes only (requirements.txt): from Bazel's repository cache, else
through the user's own pip. The hash decides each time.

The index is not named here: pip asks the one it is configured for, and the pinned sha256 decide. What pip brought goes
through Bazel's downloader, which checks the sha256 again and keeps the wheel in the repository cache. So a wheel is
fetched once per user, and not once per workspace or output base.

The repository cache knows bytes, not file names, and a wheel's name matters (its tags are in it). The name can be told
from the wheel's own metadata up to the order of the platform tags, for which there are two habits: sorted, or as listed
in the metadata. The key in the cache (`canonical_id`) says which of both it was. A wheel whose name follows neither is
not kept under a key, so that it has the same name on every machine.

The key holds all pinned hashes as well: which of them pip takes depends on the whole set.
"""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "get_auth")
load(":errors.bzl", "error_text")
load(":names.bzl", "python_tag")
load(":platforms.bzl", "DEFAULT_NEWEST")
load(":tags.bzl", "platform_tags")

visibility(["//rules/private/cuda/toolkit", "//rules/private/wheels"])

PYTHON_VARIABLE = "RULES_INFERENCE_PYTHON"

_ORDERS = ["sorted", "listed"]
_DOWNLOADS = "pip"

def fetch_wheel(rctx, wheel):
    """Puts the wheel into the root of the repository.

    Args:
      rctx: the repository context.
      wheel: struct (package, version, python, platform, hashes, lock, newest, file, url, path).

    Returns:
      its file name. Ends the build when the wheel cannot be had.
    """
    if wheel.url or wheel.path:
        return _from_lock(rctx, wheel)
    python = _find_python(rctx, wheel)
    return _from_cache(rctx, python, wheel) or _from_pip(rctx, python, wheel)

def _from_lock(rctx, wheel):
    """Gets a wheel from where the lock says that it is."""
    where = wheel.url
    if wheel.path:
        path = rctx.path(wheel.path) if wheel.path.startswith("/") else rctx.path(Label(wheel.lock)).dirname
        for part in [] if wheel.path.startswith("/") else wheel.path.split("/"):
            path = path.dirname if part == ".." else path.get_child(part)
        if not path.exists:
            _fail(wheel, "no file '{}'".format(path), "the wheel that {} names".format(wheel.lock), None)
        where = _file_url(path)
    result = rctx.download(
        url = where,
        output = wheel.file,
        sha256 = wheel.hashes[0],
        auth = get_auth(rctx, [where]),
        allow_fail = True,
    )
    if not result.success:
        _fail(
            wheel,
            "nothing usable from {}".format(where),
            "the file with sha256 {} that {} pins".format(wheel.hashes[0], wheel.lock),
            "see the warnings above; a pinned wheel that cannot be had, or has other bytes, ends the build",
        )
    return wheel.file

def _fail(wheel, got, expected, hint):
    where = "{}=={} ({})".format(
        wheel.package,
        wheel.version,
        wheel.file or "python {}, {}".format(wheel.python, wheel.platform),
    )
    fail("\n" + error_text("wheel", where, got, expected, hint))

def _find_python(rctx, wheel):
    name = rctx.getenv(PYTHON_VARIABLE)
    python = rctx.which(name) if name and "/" not in name else rctx.path(name) if name else rctx.which("python3")
    if not python or not python.exists:
        _fail(
            wheel,
            "no interpreter '{}'".format(name or "python3"),
            "a Python 3 with pip",
            "install python3 and pip, or name an interpreter in {} (--repo_env)".format(PYTHON_VARIABLE),
        )
    return python

def _cache_key(wheel, order):
    return " ".join([
        "rules_inference wheel",
        wheel.package,
        wheel.version,
        python_tag(wheel.python),
        wheel.platform,
        order,
    ] + sorted(wheel.hashes))

def _from_cache(rctx, python, wheel):
    for order in _ORDERS:
        for sha256 in wheel.hashes:
            # Without a URL Bazel looks into its repository cache and says nothing when the file is not there.
            found = rctx.download(
                url = [],
                output = "cached.whl",
                sha256 = sha256,
                canonical_id = _cache_key(wheel, order),
                allow_fail = True,
            )
            if found.success:
                return _describe(rctx, python, wheel, rctx.path("cached.whl"), ["--rename", order])[order]
    return None

def _describe(rctx, python, wheel, path, options = []):
    """Returns what wheel_name.py says of a wheel: its sha256 and its name in both orders."""
    script = rctx.path(Label("//rules/private/wheels:wheel_name.py"))
    result = rctx.execute([python, "-I", script] + options + [path])
    if result.return_code != 0:
        _fail(wheel, "'{}'".format(result.stderr.strip()), "a wheel", "check the lock: {}".format(wheel.lock))
    return json.decode(result.stdout)

def _from_pip(rctx, python, wheel):
    path = _pip_download(rctx, python, wheel)
    described = _describe(rctx, python, wheel, path)
    orders = [order for order in _ORDERS if described[order] == path.basename]
    if described["sha256"] not in wheel.hashes:
        _fail(wheel, "sha256 " + described["sha256"], "one that is pinned in " + wheel.lock, None)
    rctx.download(
        url = _file_url(path),
        output = path.basename,
        sha256 = described["sha256"],
        canonical_id = _cache_key(wheel, orders[0] if orders else "as is"),
    )
    rctx.delete(_DOWNLOADS)
    return path.basename

def _file_url(path):
    url = str(path)
    for char, code in [("%", "%25"), (" ", "%20"), ("#", "%23"), ("?", "%3F")]:
        url = url.replace(char, code)
    return "file://" + url

def _pip_download(rctx, python, wheel):
    """Runs pip; returns the path of the one wheel that it brought."""
    lines = ["{}=={}".format(wheel.package, wheel.version)] + ["    --hash=sha256:" + sha256 for sha256 in wheel.hashes]
    rctx.file(_DOWNLOADS + "/requirement.txt", " \\\n".join(lines) + "\n", executable = False)
    command = [python, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off", "--python-version", wheel.python.removesuffix("t")]
    command += ["--implementation", "cp", "--abi", python_tag(wheel.python)]
    for tag in platform_tags(wheel.platform, DEFAULT_NEWEST | wheel.newest):
        command += ["--platform", tag]
    command += ["-r", rctx.path(_DOWNLOADS + "/requirement.txt"), "-d", rctx.path(_DOWNLOADS)]
    rctx.report_progress("pip download {}=={}".format(wheel.package, wheel.version))
    result = rctx.execute(command, timeout = 3600)
    if result.return_code != 0:
        _fail_pip(wheel, python, result)
    found = [path for path in rctx.path(_DOWNLOADS).readdir() if path.basename.endswith(".whl")]
    if len(found) != 1:
        _fail(wheel, "{} wheels from pip".format(len(found)), "1", "run pip download by hand with the lock: " + wheel.lock)
    return found[0]

def _fail_pip(wheel, python, result):
    output = (result.stdout + "\n" + result.stderr).strip()
    lines = [line for line in output.split("\n") if line.strip() and not line.startswith("WARNING: Running pip as")]
    expected = "a wheel with a sha256 that is pinned in " + wheel.lock
    if "No module named pip" in output:
        hint = "install pip for {}, or name another interpreter in {}".format(python, PYTHON_VARIABLE)
    elif "DO NOT MATCH THE HASHES" in output:
        hint = "the index has other bytes than the lock: lock anew, and find out why they changed"
    elif "No matching distribution found" in output:
        hint = "the index of your pip has no such wheel; where a package is sdist-only for this python and platform, " + \
               "pin a version with a wheel, or leave python or platform out of wheels.lock"
    else:
        hint = "pip uses its own configuration (pip.conf, PIP_INDEX_URL); its last lines follow"
    fail("\n{}\n{}".format(
        error_text(
            "wheel",
            "{}=={} (python {}, {})".format(wheel.package, wheel.version, wheel.python, wheel.platform),
            "exit code {} from pip".format(result.return_code),
            expected,
            hint,
        ),
        "\n".join(["pip: " + line for line in lines[-6:]]),
    ))
