"""The transition that builds one target as every variant of a release for each of its platforms."""

visibility("private")

_CUBLAS = str(Label("//rules:cublas"))
_CUDA = str(Label("//rules:cuda"))
_CUDNN = str(Label("//rules:cudnn"))
_ARCHS = str(Label("//rules:cuda_archs"))
_PLATFORMS = "//command_line_option:platforms"

def split_key(platform, variant):
    """The key of a build in `ctx.split_attr`.

    Args:
      platform: index of the platform in the attribute `platforms`; 0 when that is empty.
      variant: name of the variant.

    Returns:
      string.
    """
    return "{} {}".format(platform, variant)

def builds(variants, platform_names, not_available):
    """What has to be built, and what is declared not to be.

    Args:
      variants: list of structs or dicts with `name`, in the order of the lock.
      platform_names: list of names; empty: one platform without a name.
      not_available: dict: NAME or NAME@PLATFORM -> reason.

    Returns:
      list of struct(platform, variant, reason), with the index of the platform and the name of the variant, and an empty
      reason for what is built.
    """
    return [
        struct(
            platform = i,
            reason = not_available.get(name, not_available.get("{}@{}".format(name, platform), "")),
            variant = name,
        )
        for i, platform in enumerate(platform_names or [""])
        for name in variants
    ]

def _split_impl(settings, attr):
    variants = {item["name"]: item for item in [json.decode(text) for text in attr.variants]}
    result = {}
    for build in builds(variants.keys(), attr.platform_names, attr.not_available):
        if build.reason:
            continue
        variant = variants[build.variant]
        result[split_key(build.platform, build.variant)] = {
            # A variant without CUDA has no code for any device, so that the list would only make its configuration another.
            _ARCHS: variant["archs"] or settings[_ARCHS],
            _CUBLAS: variant["cublas"],
            _CUDA: variant["cuda"],
            _CUDNN: variant["cudnn"],
            _PLATFORMS: [str(attr.platforms[build.platform])] if attr.platforms else settings[_PLATFORMS],
        }
    return result

release_split = transition(
    implementation = _split_impl,
    inputs = [_ARCHS, _PLATFORMS],
    outputs = [_ARCHS, _CUBLAS, _CUDA, _CUDNN, _PLATFORMS],
)
