"""`@rules_inference_plugins`: one target for each program, which is a prebuilt one where there is a lock of them.

An alias and not a toolchain: it is right for actions, for tests and for programs that are shipped, as each asks for it in a
configuration of its own, and the `select` in it follows the platform of that. Only the archive that it picks is fetched.
"""

load("//rules/private/variants:platforms.bzl", "PLATFORMS")
load(":plugins_lock.bzl", "no_row_text", "read_plugins_lock")
load(":programs.bzl", "PROGRAMS")

visibility("private")

# In a build, `--repo_env=RULES_INFERENCE_PLUGINS=source`. A flag of a build setting would not reach tools of actions in all
# versions of Bazel, and would make two configurations of everything.
_ENVIRONMENT = "RULES_INFERENCE_PLUGINS"

_HEAD = """\
package(default_visibility = ["//visibility:public"])
"""

_SETTING = """
config_setting(
    name = "{platform}",
    constraint_values = {constraints},
)
"""

_SOURCE = """
alias(
    name = "{name}",
    actual = "{source}",
)
"""

_PREBUILT = """
alias(
    name = "{name}",
    actual = select(
        {choices},
        no_match_error = {no_match},
    ),
)
"""

def archive_repository_name(hub, platform):
    """Names the repository of the plugins for a platform.

    Args:
      hub: name of the hub.
      platform: `linux-x86_64` and the like.

    Returns:
      string.
    """
    return "{}_{}".format(hub, platform)

def _prebuilt(rctx):
    where = str(rctx.attr.lock)
    _, rows, error = read_plugins_lock(rctx.read(rctx.attr.lock), where)
    if error:
        fail("\n" + error)
    text = _HEAD
    for platform in rows:
        text += _SETTING.format(
            constraints = [str(constraint) for constraint in PLATFORMS[platform]],
            platform = platform,
        )
    for name in PROGRAMS:
        text += _PREBUILT.format(
            choices = {
                ":" + platform: "@{}//:{}".format(archive_repository_name(rctx.attr.hub, platform), name)
                for platform in rows
            },
            name = name,
            no_match = repr(no_row_text(where, rows)),
        )
    return text

def _hub_repository_impl(rctx):
    asked = rctx.getenv(_ENVIRONMENT) or ""
    if asked not in ["", "source"]:
        fail("\nerror: plugins: {}: got '{}', expected 'source' or nothing".format(_ENVIRONMENT, asked))
    if rctx.attr.lock and not asked:
        text = _prebuilt(rctx)
    else:
        text = _HEAD + "".join([_SOURCE.format(name = name, source = str(source)) for name, source in PROGRAMS.items()])
    rctx.file("BUILD.bazel", text, executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

hub_repository = repository_rule(
    implementation = _hub_repository_impl,
    doc = "The programs of rules_inference: from source, or out of the archives of a lock.",
    attrs = {
        "hub": attr.string(doc = "Its own name, as the user has it.", mandatory = True),
        "lock": attr.label(allow_single_file = True, doc = "Lock of a set of plugins; default: from source."),
    },
)
