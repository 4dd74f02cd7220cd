"""Texts of the files of a hub of variants."""

load(":lock.bzl", "is_available", "names_of")
load(":plan.bzl", "repository_name")
load(":platforms.bzl", "PLATFORMS")

visibility(["//rules/private/variants", "//tests/variants/..."])

_ROOT = """\
load("{common_settings}", "string_flag")
load("{choice}", "variant_choice", "variant_explain")

package(default_visibility = ["//visibility:public"])

# What is asked for of this artifact: auto, NAME, or require:NAME. Empty: @rules_inference//rules:variant.
string_flag(
    name = "variant",
    build_setting_default = "",
)

variant_choice(
    name = "choice",
{policy})

variant_explain(
    name = "explain",
{policy})

alias(
    name = "artifact",
    actual = select({artifact}),
)
"""

_NAMED = """
alias(
    name = "{name}",
    actual = select({choices}, no_match_error = {no_match}),
)
"""

_CONFIG = """\
load("{choice}", "variant_not_available")

package(default_visibility = ["//visibility:public"])
"""

_ROW = """
config_setting(
    name = "row_{row}",
    flag_values = {{"//:choice": "row_{row}"}},
)
"""

_PLATFORM = """
config_setting(
    name = "{name}",
    constraint_values = {constraints},
)
"""

_MISSING = """
variant_not_available(
    name = "missing_{row}",
    message = {message},
)
"""

def _dict(pairs):
    return "{\n" + "".join(["        {}: {},\n".format(repr(key), repr(value)) for key, value in pairs]) + "    }"

def _rows(lock, name):
    return [(index, row) for index, row in enumerate(lock["variants"]) if name in (None, row["name"])]

def _target(hub, index, row):
    if is_available(row):
        return "@{}//:artifact".format(repository_name(hub, row))
    return "//_config:missing_{}".format(index)

def root_build(hub, lock, where, policy):
    """Makes the root BUILD file.

    Args:
      hub: name of the hub.
      lock: decoded lock.
      where: label of the lock.
      policy: struct with chain, devices and fallback.

    Returns:
      the text.
    """
    attributes = {
        "chain": policy.chain,
        "devices": policy.devices,
        "fallback": policy.fallback,
        "lock": json.encode(lock),
        "request": ":variant",
        "where": where,
    }
    text = _ROOT.format(
        common_settings = str(Label("@bazel_skylib//rules:common_settings.bzl")),
        choice = str(Label("//rules/private/variants:choice.bzl")),
        policy = "".join(["    {} = {},\n".format(key, repr(value)) for key, value in attributes.items()]),
        artifact = _dict([
            ("//_config:row_{}".format(index), _target(hub, index, row))
            for index, row in _rows(lock, None)
            if is_available(row)
        ]),
    )
    for name in sorted({row["name"]: True for row in lock["variants"]}):
        rows = _rows(lock, name)
        text += _NAMED.format(
            name = name,
            choices = _dict([("//_config:" + row["platform"], _target(hub, index, row)) for index, row in rows]),
            no_match = repr("error: variant: @{}//:{}: got a platform without a row in the lock, expected one of {}".format(
                hub,
                name,
                ", ".join([row["platform"] for _, row in rows]),
            )),
        )
    return text

def config_build(hub, lock):
    """Makes the BUILD file of `//_config`: settings for rows and platforms, and the rows that do not exist.

    Args:
      hub: name of the hub.
      lock: decoded lock.

    Returns:
      the text.
    """
    text = _CONFIG.format(choice = str(Label("//rules/private/variants:choice.bzl")))
    for name in sorted({row["platform"]: True for row in lock["variants"]}):
        text += _PLATFORM.format(name = name, constraints = [str(label) for label in PLATFORMS[name]])
    for index, row in _rows(lock, None):
        if is_available(row):
            text += _ROW.format(row = index)
            continue
        text += _MISSING.format(row = index, message = repr(
            "error: variant not available: @{}//:{} ({}): got '{}', expected one of {}\nhint: @{}//:artifact falls back among them".format(
                hub,
                row["name"],
                row["platform"],
                row["not_available"],
                ", ".join(names_of(lock, row["platform"])) or "none",
                hub,
            ),
        ))
    return text

_INSTALL = '''\
"""The archive repositories of @{hub}, for WORKSPACE files."""

load("{rule}", "archive_repository")

def install_variants():
    """Declares one repository per archive; nothing is fetched by it."""
{calls}'''

def install_bzl(hub, archives):
    """Makes install.bzl, the second step of a WORKSPACE set-up.

    Args:
      hub: name of the hub.
      archives: list of structs, see `plan_variants`.

    Returns:
      the text.
    """
    keys = ["name", "artifact", "names", "row", "urls", "version"]
    calls = [
        "    archive_repository({})\n".format(", ".join(["{} = {}".format(key, repr(getattr(archive, key))) for key in keys]))
        for archive in archives
    ]
    return _INSTALL.format(
        hub = hub,
        rule = str(Label("//rules/private/variants:archive_repository.bzl")),
        calls = "".join(calls) or "    pass\n",
    )
