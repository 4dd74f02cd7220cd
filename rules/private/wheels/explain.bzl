"""Why which wheel of a package is used: a text."""

load(":choose_wheel.bzl", "explain_wheels")
load(":platforms.bzl", "PLATFORMS")
load(":tags.bzl", "wheel_tags")
load(":wheel_names.bzl", "parse_wheel_name")

# Hub repositories load this.
visibility("public")

def explanation(target, config, used, versions, newest, override = ""):
    """Explains a choice.

    Args:
      target: the package, as the user writes it.
      config: the configuration that is built for, or "none".
      used: dict from configuration to the position in `versions`.
      versions: list of dicts (version, files, hashes, sdist, not_a_wheel).
      newest: see `wheel_tags`.
      override: label of what is used instead, or "".

    Returns:
      the text.
    """
    if config not in used:
        return "{} for {}: not used\n  it is used for: {}\n".format(target, config, ", ".join(sorted(used)) or "no configuration")
    about = versions[int(used[config])]
    lines = ["{} {} for {}".format(target, about["version"], config)]
    if override:
        lines.append("  overridden by {}; what follows is `:pinned`".format(override))
    if about["not_a_wheel"]:
        lines.append("  no wheel: " + about["not_a_wheel"])
    elif about["hashes"]:
        lines.append("  {} hashes in the lock, without names: pip chooses among them when the wheel is fetched".format(about["hashes"]))
    else:
        names = [parse_wheel_name(file)[0] for file in about["files"]]
        reasons = explain_wheels(names, wheel_tags(_python(config), _platform(config), newest))

        # The chosen one first, then those that would fit, then the rest, each in the order of the lock.
        for start in ["chosen", "fits", ""]:
            for file, reason in zip(about["files"], reasons):
                kind = [word for word in ["chosen", "fits", ""] if reason.startswith(word)][0]
                if kind == start:
                    lines.append("  {}\n    {}".format(file, reason))
    if about["sdist"]:
        lines.append("  {}\n    source archive: never built here".format(about["sdist"]))
    others = sorted({
        versions[int(index)]["version"]: None
        for index in used.values()
        if versions[int(index)]["version"] != about["version"]
    })
    if others:
        lines.append("  other configurations use " + ", ".join(others))
    return "\n".join(lines) + "\n"

def _platform(config):
    return [platform for platform in PLATFORMS if config.partition("_")[2] == platform][0]

def _python(config):
    digits = config.partition("_")[0].removeprefix("cp")
    return digits[0] + "." + digits[1:]

def _explain_wheel_impl(ctx):
    text = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.write(text, explanation(
        ctx.attr.target,
        ctx.attr.choice[config_common.FeatureFlagInfo].value,
        ctx.attr.used,
        [json.decode(version) for version in ctx.attr.versions],
        ctx.attr.newest,
        ctx.attr.override,
    ))
    return [DefaultInfo(files = depset([text]))]

explain_wheel = rule(
    implementation = _explain_wheel_impl,
    doc = "Says which wheel of a package is used in this configuration, and of each other one why it is not.",
    attrs = {
        "choice": attr.label(providers = [config_common.FeatureFlagInfo], mandatory = True, doc = "The configuration."),
        "newest": attr.string_dict(mandatory = True, doc = "Newest glibc, musl and macos that a wheel may ask for."),
        "override": attr.string(doc = "Label of what is used instead, or empty."),
        "target": attr.string(mandatory = True, doc = "The package, as the user writes it."),
        "used": attr.string_dict(doc = "Configuration -> position in `versions`."),
        "versions": attr.string_list(doc = "What the lock has, as JSON."),
    },
)
