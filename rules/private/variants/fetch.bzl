"""Download of one archive of a lock."""

load("//rules/private/wheels:errors.bzl", "error_text")

visibility(["//rules/private/prebuilt", "//rules/private/variants", "//tests/variants/..."])

def download_problem(rctx, urls, sha256, output):
    """Says why a download has failed: what the server gives when no hash is asked for.

    Args:
      rctx: repository context.
      urls: list of urls that were tried.
      sha256: hex digest that was asked for.
      output: path in the repository where the file was to be.

    Returns:
      (got, expected) of the message.
    """
    expected = "the file with sha256:{} as specified".format(sha256)

    # Bazel takes nothing from plain http without a hash.
    safe = [url for url in urls if not url.startswith("http://")]
    probe = output + ".refused"
    result = rctx.download(url = safe, output = probe, allow_fail = True) if safe else struct(success = False)
    if not result.success:
        return "nothing usable from {}, see the warnings above".format(" or ".join(urls)), expected

    # The start is enough, and rctx.read() would take the whole of a large archive into memory. Without the tool: no hint.
    head = rctx.execute(["head", "-c", "64", probe]).stdout.strip().lower()
    rctx.delete(probe)
    page = " (a web page)" if head.startswith("<!doctype") or head.startswith("<html") else ""
    return "sha256:{}{}".format(result.sha256, page), expected

def fetch(rctx, urls, sha256, output, where, names):
    """Downloads a file and checks its hash; ends the build when that fails.

    Args:
      rctx: repository context.
      urls: list of urls, tried in order.
      sha256: hex digest that it must have.
      output: path in the repository.
      where: what it is, for messages.
      names: variants that exist for its platform, for messages.
    """
    result = rctx.download(url = urls, output = output, sha256 = sha256, allow_fail = True)
    if result.success:
        return
    got, expected = download_problem(rctx, urls, sha256, output)
    fail("\n" + error_text(
        "variant archive",
        where,
        got,
        expected,
        "a pinned archive that cannot be had ends the build, it never falls back; for this platform the lock has {}. ".format(", ".join(names)) +
        "`inferctl lock verify` checks all of them",
    ))
