"""The choice among the builds of a model in analysis, as a value that config_setting() can look at."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//rules/private/wheels:errors.bzl", "error_text")

# Hub repositories load this.
visibility("public")

_UNITS = {"GB": 1000000000, "GiB": 1 << 30, "MB": 1000000, "MiB": 1 << 20}

def parse_memory(text):
    """Reads an amount of memory.

    Args:
      text: such as "8GB", "512MiB" or "100000".

    Returns:
      bytes, or None when it is something else.
    """
    for unit, value in _UNITS.items():
        if text.endswith(unit) and text.removesuffix(unit).isdigit():
            return int(text.removesuffix(unit)) * value
    return int(text) if text.isdigit() else None

def choose(where, variants, own, common, memory):
    """Chooses a build of a model.

    Args:
      where: the model, for messages.
      variants: list of (variant, min_memory_bytes or 0), best first.
      own: the variant that is asked of this model, or "".
      common: the variant that is asked of all models, or "": models without it are left as they are.
      memory: what the machine has, as `parse_memory` takes it, or "".

    Returns:
      (variant, error): one is None.
    """
    names = [name for name, _ in variants]
    if own:
        if own in names:
            return own, None
        return None, error_text("model", where, "variant {}".format(repr(own)), "one of " + ", ".join(names))
    if common in names and common:
        return common, None
    if not memory:
        return names[0], None
    limit = parse_memory(memory)
    if limit == None:
        return None, error_text("model", where, "memory {}".format(repr(memory)), "bytes, such as 8GB, 512MiB or 400000000")
    for name, needs in variants:
        if needs and needs <= limit:
            return name, None
    return None, error_text(
        "model",
        where,
        "memory of {} bytes".format(limit),
        "what one of them needs: " + ", ".join(["{} {}".format(name or "(the only one)", needs or "(not known)") for name, needs in variants]),
        "--{}:variant=NAME takes one all the same".format(where),
    )

def _model_choice_impl(ctx):
    variant, error = choose(
        ctx.attr.where,
        [(row[0], row[1]) for row in json.decode(ctx.attr.variants)],
        ctx.attr.own[BuildSettingInfo].value,
        ctx.attr.common[BuildSettingInfo].value,
        ctx.attr.memory[BuildSettingInfo].value,
    )
    if error:
        fail("\n" + error)
    return [config_common.FeatureFlagInfo(value = variant or "default")]

model_choice = rule(
    implementation = _model_choice_impl,
    doc = "The chosen variant of a model, as a value for config_setting(); `default` for one without a name.",
    attrs = {
        "common": attr.label(mandatory = True, providers = [BuildSettingInfo], doc = "The hub's flag for all models."),
        "memory": attr.label(mandatory = True, providers = [BuildSettingInfo], doc = "The hub's flag of memory."),
        "own": attr.label(mandatory = True, providers = [BuildSettingInfo], doc = "The model's own flag."),
        "variants": attr.string(mandatory = True, doc = "JSON: list of [variant, min_memory_bytes], best first."),
        "where": attr.string(mandatory = True, doc = "The model, for messages."),
    },
)
