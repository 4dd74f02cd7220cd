"""From a lock to repositories."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":lock.bzl", "is_available", "names_of", "read_lock", "row_urls")

visibility(["//rules/private/variants", "//tests/variants/..."])

def repository_name(hub, row):
    """Returns the name of the repository of a row: super_stt__linux-x86_64__cuda-sm86."""
    return "{}__{}__{}".format(hub, row["platform"], row["name"])

def plan_variants(hub, text, where, chain):
    """Reads a lock.

    Args:
      hub: name of the hub.
      text: content of the lock.
      where: label of the lock, for messages.
      chain: the user's chain.

    Returns:
      (lock, archives, error): the decoded lock and one struct per archive with the attributes of archive_repository();
      or None, None and the text of what is wrong.
    """
    lock, error = read_lock(text, where)
    if error:
        return None, None, error
    names = {row["name"]: True for row in lock["variants"]}
    for name in chain:
        if name not in names:
            return None, None, error_text(
                "variants.artifact",
                "{}: chain".format(hub),
                repr(name),
                "one of " + ", ".join(names),
            )
    archives = [
        struct(
            name = repository_name(hub, row),
            artifact = lock.get("artifact") or hub,
            names = names_of(lock, row["platform"]),
            row = json.encode(row),
            urls = [] if row.get("parts") else row_urls(lock, row),
            version = lock.get("version", ""),
        )
        for row in lock["variants"]
        if is_available(row)
    ]
    return lock, archives, None
