"""Lists of architectures: what is right, and in which order it is used."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")

visibility(["//rules/private/cuda/...", "//tests/cuda/..."])

ARCHS_ATTRS = {
    "archs": attr.string_list(
        doc = "Architectures: `sm_90a` for a cubin, `compute_90` for PTX that drivers compile for newer devices. Order is free. " +
              "Default: the flag `@rules_inference//rules:cuda_archs`.",
    ),
    "_archs": attr.label(default = "//rules:cuda_archs", providers = [BuildSettingInfo]),
}

_EXPECTED = "sm_NN for a cubin or compute_NN for PTX, such as sm_90a"

def _number(arch):
    """Returns (number, suffix) of `sm_90a`, or None."""
    _, _, rest = arch.partition("_")
    digits = rest.rstrip("af")
    if not digits.isdigit() or len(rest) - len(digits) > 1 or digits.startswith("0"):
        return None
    return (int(digits), rest[len(digits):])

def lto_arch(arch):
    """Returns `lto_90a` of `sm_90a`: what link-time optimization makes a cubin of; other architectures as they are."""
    return "lto_" + arch.removeprefix("sm_") if arch.startswith("sm_") else arch

def virtual_arch(arch):
    """Returns `compute_90a` of `sm_90a`: what a cubin is made of."""
    return "compute_" + arch.partition("_")[2]

def archs_error(archs, known, version):
    """Says what is wrong with a list of architectures.

    Args:
      archs: list of strings.
      known: list of strings: what the toolkit can build.
      version: string: its release.

    Returns:
      a string, or None.
    """
    if not archs:
        return "got no architecture, expected {}".format(_EXPECTED)
    seen = {}
    numbers = [_number(arch)[0] for arch in known]
    for arch in archs:
        number = _number(arch)
        if arch.partition("_")[0] not in ("sm", "compute") or not number:
            return "got {}, expected {}".format(repr(arch), _EXPECTED)
        if arch in seen:
            return "got {} twice, expected each architecture once".format(repr(arch))
        seen[arch] = True
        if arch in known:
            continue
        if number[0] < min(numbers):
            return "got {}, expected {} or newer: CUDA {} no longer builds it\nhint: remove it, or choose an older toolkit with {}".format(
                repr(arch),
                "{}_{}".format(arch.partition("_")[0], min(numbers)),
                version,
                "--@rules_inference//rules:cuda_version",
            )
        return "got {}, expected one of {} of CUDA {}".format(
            repr(arch),
            ", ".join([other for other in known if other.startswith(arch.partition("_")[0] + "_")]),
            version,
        )
    return None

def sorted_archs(archs):
    """Sorts architectures: cubins before PTX, older ones first, so that the order in a BUILD file does not matter."""
    return sorted(archs, key = lambda arch: (arch.startswith("compute_"), _number(arch)))

def target_archs(ctx, toolkit):
    """Reads the architectures of a rule with ARCHS_ATTRS, and fails when they are wrong.

    Args:
      ctx: rule context.
      toolkit: CudaToolkitInfo.

    Returns:
      a sorted list of strings.
    """
    archs = ctx.attr.archs or ctx.attr._archs[BuildSettingInfo].value
    error = archs_error(archs, toolkit.archs, toolkit.version)
    if error:
        fail("error: {}: {}: {}".format(
            ctx.label,
            "archs" if ctx.attr.archs else "--@rules_inference//rules:cuda_archs",
            error,
        ))
    return sorted_archs(archs)
