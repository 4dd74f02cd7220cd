"""Reading of variants.lock.json: what the rules rely on. `inferctl lock check` knows all rules of the format."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":platforms.bzl", "PLATFORMS")

visibility(["//rules/private/prebuilt", "//rules/private/variants", "//tests/variants/..."])

_FORMATS = ["file", "tar", "tar.gz", "tar.xz", "tar.zst", "zip"]

# Names of other targets of a hub.
_RESERVED = ["artifact", "choice", "explain", "variant"]

_NAME = "abcdefghijklmnopqrstuvwxyz0123456789._-"
_HEX = "0123456789abcdef"

def _only(text, alphabet):
    return type(text) == "string" and text and not text.strip(alphabet)

def _bad_bytes(item):
    """Returns (got, expected) when size, sha256 or urls of an archive or a part are not usable, else None."""
    if not _only(item.get("sha256"), _HEX) or len(item["sha256"]) != 64:
        return "sha256 {}".format(repr(item.get("sha256"))), "64 lower-case hex digits"
    if type(item.get("size", 0)) != "int" or item.get("size", 0) < 0:
        return "size {}".format(repr(item["size"])), "a number of bytes"
    if type(item.get("urls", [])) != "list" or [url for url in item.get("urls", []) if type(url) != "string" or "://" not in url]:
        return "urls {}".format(repr(item["urls"])), "a list of urls"
    return None

def _bad_row(lock, row):
    if type(row) != "dict":
        return repr(row), "an object"
    if not _only(row.get("name"), _NAME) or row["name"] in _RESERVED:
        return "name {}".format(repr(row.get("name"))), "lower-case letters, digits, '-', '_', '.', and not one of " + ", ".join(_RESERVED)
    if type(row.get("platform")) != "string" or row["platform"] not in PLATFORMS:
        return "platform {}".format(repr(row.get("platform"))), "one of " + ", ".join(sorted(PLATFORMS))
    if row.get("not_available"):
        extra = [key for key in ["urls", "sha256", "size", "format", "parts"] if row.get(key)]
        return (", ".join(extra) + " beside not_available", "one or the other") if extra else None
    if row.get("format") not in _FORMATS:
        return "format {}".format(repr(row.get("format"))), "one of " + ", ".join(_FORMATS)
    parts = row.get("parts", [])
    if type(parts) != "list" or [part for part in parts if type(part) != "dict"]:
        return "parts {}".format(repr(parts)), "a list of objects"
    if parts and row.get("urls"):
        return "urls beside parts", "one or the other"
    if not parts and not row.get("urls") and not lock.get("url_template"):
        return "no urls", "urls, parts, or a url_template in the lock"
    for item in [row] + parts:
        bad = _bad_bytes(item)
        if bad:
            return bad
    if [part for part in parts if not part.get("urls")]:
        return "a part without urls", "urls for every part"
    return None

def read_lock(text, where):
    """Reads a lock.

    Args:
      text: content of the file.
      where: its label, for messages.

    Returns:
      (lock, error): the decoded lock, or None and the text of what is wrong.
    """
    lock = json.decode(text, None)
    if type(lock) != "dict" or type(lock.get("variants")) != "list":
        return None, error_text("variants lock", where, "no JSON object with `variants`", "the canonical JSON of a VariantsLock")
    if lock.get("lock_version") != 1:
        return None, error_text("variants lock", where, "lock_version {}".format(repr(lock.get("lock_version"))), "1")
    for key in ["artifact", "url_template", "version"]:
        if type(lock.get(key, "")) != "string":
            return None, error_text("variants lock", where, "{} {}".format(key, repr(lock[key])), "a string")
    seen = {}
    for index, row in enumerate(lock["variants"]):
        bad = _bad_row(lock, row)
        if bad:
            return None, error_text("variants lock", "{}: row {}".format(where, index), bad[0], bad[1], "inferctl lock check says more")
        key = (row["name"], row["platform"])
        if key in seen:
            return None, error_text(
                "variants lock",
                "{}: row {}".format(where, index),
                "{} for {} again, see row {}".format(row["name"], row["platform"], seen[key]),
                "one row per variant and platform",
            )
        seen[key] = index
    return lock, None

def is_available(row):
    return not row.get("not_available")

def row_urls(lock, row):
    """Finds the whole archive of a row.

    Args:
      lock: decoded lock.
      row: one of its rows, which is available and not in parts.

    Returns:
      urls, from the row or the template of the lock.
    """
    if row.get("urls"):
        return row["urls"]
    url = lock["url_template"]
    os, cpu = row["platform"].split("-")
    for key, value in {
        "artifact": lock.get("artifact", ""),
        "cpu": cpu,
        "os": os,
        "platform": row["platform"],
        "variant": row["name"],
        "version": lock.get("version", ""),
    }.items():
        url = url.replace("{%s}" % key, value)
    return [url]

def names_of(lock, platform):
    """Returns the names of the variants that exist for a platform, in the order of the lock."""
    return [row["name"] for row in lock["variants"] if row["platform"] == platform and is_available(row)]
