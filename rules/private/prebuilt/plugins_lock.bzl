"""What a lock has to be to stand for the plugins of these rules."""

load("//rules/private:version.bzl", "VERSION")
load("//rules/private/variants:lock.bzl", "is_available", "read_lock")
load("//rules/private/wheels:errors.bzl", "error_text")

visibility(["//rules/private/prebuilt", "//tests/prebuilt"])

ARTIFACT = "rules_inference_plugins"

# The one variant that a set has: plugins use no accelerator.
_VARIANT = "cpu"

_FROM_SOURCE = "`--repo_env=RULES_INFERENCE_PLUGINS=source` builds them instead"

def read_plugins_lock(text, where):
    """Reads the lock of a set of plugins.

    Requests between rules and plugins may change with every version, so the lock has to be of exactly this one; what follows
    a `+` is the builder's own.

    Args:
      text: content of the file.
      where: its label, for messages.

    Returns:
      (lock, rows, error): the decoded lock and a dict from platform to row; or None, None and the text of what is wrong.
    """
    lock, error = read_lock(text, where)
    if error:
        return None, None, error
    if lock.get("artifact") != ARTIFACT:
        return None, None, error_text("plugins", where, "a lock of '{}'".format(lock.get("artifact", "")), "one of " + ARTIFACT)
    version = lock.get("version", "")
    if version.partition("+")[0] != VERSION:
        return None, None, error_text(
            "plugins",
            where,
            "plugins of version '{}'".format(version),
            "{}, the version of rules_inference".format(VERSION),
            "pin the lock of that release; " + _FROM_SOURCE,
        )
    rows = {row["platform"]: row for row in lock["variants"] if row["name"] == _VARIANT and is_available(row)}
    if not rows:
        return None, None, error_text("plugins", where, "no archive of the variant " + _VARIANT, "one for each platform that builds")
    for platform, row in rows.items():
        if row.get("parts") or row["format"] == "file":
            return None, None, error_text(
                "plugins",
                "{}: {}".format(where, platform),
                "an archive in parts" if row.get("parts") else "format file",
                "one archive",
            )
    return lock, rows, None

def no_row_text(where, platforms):
    """Says that there are no plugins for a platform.

    Args:
      where: label of the lock.
      platforms: list of those that there are.

    Returns:
      the text.
    """
    return error_text("plugins", where, "a platform without a row", "one of " + ", ".join(sorted(platforms)), _FROM_SOURCE)
