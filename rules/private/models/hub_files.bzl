"""Texts of the files of a hub of models."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":plan.bzl", "refusal", "repository_name")

visibility(["//rules/private/models", "//tests/models/..."])

_ROOT = """\
load("{common_settings}", "string_flag")

package(default_visibility = ["//visibility:public"])

# Which build of all models that have it, such as q5_1.
string_flag(
    name = "variant",
    build_setting_default = "",
)

# What the machine has, such as 8GB: the first build of each model that needs no more.
string_flag(
    name = "memory",
    build_setting_default = "",
)
"""

_MODEL = """\
load("{common_settings}", "string_flag")
load("{choice}", "model_choice")
load("{layer}", "model_layer")
load("{model}", "model_reference", "model_refused")

package(default_visibility = ["//visibility:public"])

# Which build of this model.
string_flag(
    name = "variant",
    build_setting_default = "",
)

model_choice(
    name = "choice",
    common = "//:variant",
    memory = "//:memory",
    own = ":variant",
    variants = {variants},
    where = {where},
)

model_layer(
    name = "layer",
    model = ":model",
)
"""

_SETTING = """
config_setting(
    name = "is_{key}",
    flag_values = {{":choice": "{key}"}},
)

model_reference(
    name = "manifest{suffix}",
    row = {row},
)
"""

_CHOICE = """
alias(
    name = "{name}",
    actual = select({choices}),
)
"""

_ALIAS = """
alias(
    name = "{name}",
    actual = "{actual}",
)
"""

_REFUSED = """
model_refused(
    name = "{name}",
    message = {message},
)
"""

_INSTALL = '''\
"""The repositories of the models of @{hub}, for WORKSPACE files."""

load("{rule}", "model_repository")

def install_models():
    """Declares one repository per model; nothing is fetched by it."""
{calls}'''

def _key(row):
    return row.get("variant") or "default"

def _suffix(row):
    return "_" + row["variant"] if row.get("variant") else "_default"

def _dict(pairs):
    return "{\n" + "".join(["        {}: {},\n".format(repr(key), repr(value)) for key, value in pairs]) + "    }"

def root_build():
    """Makes the root BUILD file.

    Returns:
      the text.
    """
    return _ROOT.format(common_settings = str(Label("@bazel_skylib//rules:common_settings.bzl")))

def _one(hub, row, mode, allow):
    """Texts of the targets of one build of a model."""
    suffix = _suffix(row)
    text = _SETTING.format(key = _key(row), suffix = suffix, row = repr(json.encode(row)))
    message = refusal(hub, row, allow)
    if message:
        for name in ["model", "files"]:
            text += _REFUSED.format(name = name + suffix, message = repr(message))
    elif mode == "reference":
        text += _ALIAS.format(name = "model" + suffix, actual = ":manifest" + suffix)
        text += _REFUSED.format(name = "files" + suffix, message = repr(error_text(
            "model",
            "@{}//{}:files".format(hub, row["name"]),
            "mode = \"reference\", in which there are no files",
            "mode = \"hermetic\", or a target that wants :manifest",
            "inferctl models materialise MANIFEST --to DIR",
        )))
    else:
        for name in ["model", "files"]:
            text += _ALIAS.format(name = name + suffix, actual = "@{}//:{}".format(repository_name(hub, row), name))
    return text

def model_build(hub, name, rows, mode, allow):
    """Makes the BUILD file of a model.

    Args:
      hub: name of the hub.
      name: name of the model.
      rows: its rows in the lock, best first.
      mode: `hermetic` or `reference`.
      allow: formats that the user takes although they are not safe.

    Returns:
      the text.
    """
    text = _MODEL.format(
        common_settings = str(Label("@bazel_skylib//rules:common_settings.bzl")),
        choice = str(Label("//rules/private/models:choice.bzl")),
        layer = str(Label("//rules/private/models:layer.bzl")),
        model = str(Label("//rules/private/models:model.bzl")),
        variants = repr(json.encode([[row.get("variant", ""), row.get("min_memory_bytes", 0)] for row in rows])),
        where = repr("@{}//{}".format(hub, name)),
    )
    used = {"model": True}
    for row in rows:
        text += _one(hub, row, mode, allow)
        used |= {kind + _suffix(row): True for kind in ["model", "files", "manifest"]}
        used["is_" + _key(row)] = True
    for kind in ["model", "files", "manifest"]:
        text += _CHOICE.format(
            name = kind,
            choices = _dict([(":is_" + _key(row), ":{}{}".format(kind, _suffix(row))) for row in rows]),
        )

    # `@models//whisper` for short, unless that is one of these already.
    if name not in used:
        text += _ALIAS.format(name = name, actual = ":model")
    return text

def hub_files(hub, rows, repositories, mode, allow):
    """Makes all files of a hub.

    Args:
      hub: name of the hub.
      rows: decoded models.
      repositories: see `plan_models`.
      mode: `hermetic` or `reference`.
      allow: formats that the user takes although they are not safe.

    Returns:
      dict path -> text.
    """
    by_name = {}
    for row in rows:
        by_name.setdefault(row["name"], []).append(row)
    calls = [
        "    model_repository(name = {}, model = {}, row = {})\n".format(repr(item.name), repr(item.model), repr(item.row))
        for item in repositories
    ]
    return {
        "BUILD.bazel": root_build(),
        "install.bzl": _INSTALL.format(
            hub = hub,
            rule = str(Label("//rules/private/models:model_repository.bzl")),
            calls = "".join(calls) or "    pass\n",
        ),
    } | {
        name + "/BUILD.bazel": model_build(hub, name, by_name[name], mode, allow)
        for name in by_name
    }
