"""Texts of the files of a hub of toolkits: `@cuda//:cublas`, and toolchains."""

load(":component_build.bzl", "missing_build")
load(":names.bzl", "PLATFORMS", "TARGETS", "local_repository_name", "repository_name")
load(":plan.bzl", "repository_reason")

visibility(["//rules/private/cuda/toolkit", "//tests/cuda/..."])

_HEAD = """\
package(default_visibility = ["//visibility:public"])
"""

_ALIAS = """
alias(
    name = "{name}",
    actual = select({choices}, no_match_error = {no_match}),
)
"""

_TOOLCHAIN = """
toolchain(
    name = "{name}",
    exec_compatible_with = {exec_platform},
    target_compatible_with = {target_platform},
    target_settings = ["//_config:{release}"],
    toolchain = "//_toolkit:{name}",
    toolchain_type = "{toolchain_type}",
)
"""

_TOOLKIT_HEAD = """\
load("{cuda_toolkit}", "cuda_toolkit")

package(default_visibility = ["//visibility:public"])
"""

_TOOLKIT = """
cuda_toolkit(
    name = "{name}",
    compiler = "@{compiler}//:compiler",
    runtime = "@{cudart}//:cudart",
    runtime_device = "@{cudart}//:cudadevrt",
    runtime_device_library = "@{cudart}//:cudadevrt_file",
)
"""

_CONFIG_HEAD = """\
load("{cuda_choice}", "cuda_choice")
load("{cuda_missing}", "cuda_missing")

package(default_visibility = ["//visibility:public"])

cuda_choice(
    name = "choice",
    versions = {versions},
)
"""

_RELEASE = """
config_setting(
    name = "{release}",
    flag_values = {{":choice": "{release}"}},
)
"""

_ON_PLATFORM = """
config_setting(
    name = "{release}_{platform}",
    constraint_values = {constraints},
    flag_values = {{":choice": "{release}"}},
)
"""

def _constraints(platform):
    return repr([str(label) for label in PLATFORMS[platform]])

def _dict(pairs):
    return "{\n" + "".join(["        {}: {},\n".format(repr(key), repr(value)) for key, value in pairs]) + "    }"

def _platforms(release):
    """Platforms of a release: all of a manifest, one of an installed toolkit."""
    return [release.local] if release.local else sorted(PLATFORMS)

def _repository(hub, release, name, platform):
    if release.local:
        return local_repository_name(hub, release.version)
    return repository_name(hub, release.version, name, platform)

def _reason(release, name, platform):
    return None if release.local else repository_reason(release.manifest, name, platform)

def _missing_name(release, target, platform):
    return "missing_{}_{}_{}".format(release.version, target, platform)

def _actual(hub, release, target, platform):
    name = TARGETS[target]
    if _reason(release, name, platform):
        return "//_config:" + _missing_name(release, target, platform)
    return "@{}//:{}".format(_repository(hub, release, name, platform), target)

def _pairs(releases):
    """Returns the toolchains: structs with release, exec_platform, target_platform and a name."""
    return [
        struct(
            exec_platform = exec_platform,
            name = "{}_{}_{}".format(release.version, exec_platform, target_platform),
            release = release,
            target_platform = target_platform,
        )
        for release in releases
        for exec_platform in _platforms(release)
        for target_platform in _platforms(release)
        if not _reason(release, "compiler", exec_platform) and not _reason(release, "cudart", target_platform)
    ]

def root_build(hub, releases):
    """Makes the root BUILD file.

    Args:
      hub: name of the hub.
      releases: list of structs: version, manifest (decoded, or None), and local (the platform of an installed one, or "").
        The first one is the default.

    Returns:
      the text.
    """
    text = _HEAD
    platforms = sorted({platform: True for release in releases for platform in _platforms(release)})
    for target in sorted(TARGETS):
        text += _ALIAS.format(
            name = target,
            choices = _dict([
                ("//_config:{}_{}".format(release.version, platform), _actual(hub, release, target, platform))
                for release in releases
                for platform in _platforms(release)
            ]),
            no_match = repr("error: cuda: @{}//:{}: got a platform without a toolkit, expected one of {}".format(
                hub,
                target,
                ", ".join(platforms),
            )),
        )
    for pair in _pairs(releases):
        text += _TOOLCHAIN.format(
            name = pair.name,
            exec_platform = _constraints(pair.exec_platform),
            release = pair.release.version,
            target_platform = _constraints(pair.target_platform),
            toolchain_type = str(Label("//toolchains/cuda:toolchain_type")),
        )
    return text

def toolkit_build(hub, releases):
    """Makes the BUILD file of `//_toolkit`, see `root_build`. Whoever loads the root package does not load it.

    Args:
      hub: name of the hub.
      releases: as of `root_build`.

    Returns:
      the text.
    """
    text = _TOOLKIT_HEAD.format(cuda_toolkit = str(Label("//rules/private/cuda/toolkit:toolkit.bzl")))
    for pair in _pairs(releases):
        text += _TOOLKIT.format(
            name = pair.name,
            compiler = _repository(hub, pair.release, "compiler", pair.exec_platform),
            cudart = _repository(hub, pair.release, "cudart", pair.target_platform),
        )
    return text

def config_build(hub, releases):
    """Makes the BUILD file of `//_config`, see `root_build`: releases, platforms, and what is not available.

    Args:
      hub: name of the hub.
      releases: as of `root_build`.

    Returns:
      the text.
    """
    text = _CONFIG_HEAD.format(
        cuda_choice = str(Label("//rules/private/cuda/toolkit:choice.bzl")),
        cuda_missing = str(Label("//rules/private/cuda/toolkit:missing.bzl")),
        versions = repr([release.version for release in releases]),
    )
    for release in releases:
        text += _RELEASE.format(release = release.version)
        for platform in _platforms(release):
            text += _ON_PLATFORM.format(
                constraints = _constraints(platform),
                platform = platform,
                release = release.version,
            )
            for target in sorted(TARGETS):
                reason = _reason(release, TARGETS[target], platform)
                if reason:
                    text += missing_build(_missing_name(release, target, platform), _missing_text(hub, release, target, platform, reason))
    return text

def _missing_text(hub, release, target, platform, reason):
    where = "@{}//:{} of {} ({})".format(hub, target, release.version, platform)
    return "error: cuda: {}: got {}, expected it in the release\nhint: {}".format(
        where,
        reason,
        "choose another release (--@rules_inference//rules:cuda_version), or declare one with a manifest that has it",
    )

_INSTALL = '''\
"""The repositories of @{hub}, for WORKSPACE files."""

load("{component_rule}", "component_repository")
load("{local_rule}", "local_repository")

def install_cuda():
    """Declares a repository for each component; nothing is fetched by it."""
{calls}'''

_KEYS = ["name", "archs", "component", "hub", "manifest", "parts", "platform", "urls", "version"]

def install_bzl(hub, repositories, installed):
    """Makes install.bzl, the second step of a WORKSPACE set-up.

    Args:
      hub: name of the hub.
      repositories: list of structs of `plan_release`.
      installed: dict from the version of an installed toolkit to its path.

    Returns:
      the text.
    """
    calls = [
        "    component_repository({})\n".format(", ".join(["{} = {}".format(key, repr(getattr(one, key))) for key in _KEYS]))
        for one in repositories
    ] + [
        "    local_repository(name = {}, hub = {}, path = {}, version = {})\n".format(
            repr(local_repository_name(hub, version)),
            repr(hub),
            repr(path),
            repr(version),
        )
        for version, path in installed.items()
    ]
    return _INSTALL.format(
        calls = "".join(calls) or "    pass\n",
        component_rule = str(Label("//rules/private/cuda/toolkit:component_repository.bzl")),
        hub = hub,
        local_rule = str(Label("//rules/private/cuda/toolkit:local_repository.bzl")),
    )
