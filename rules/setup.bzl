"""Second half of the WORKSPACE set-up: what can only be loaded once the repositories are declared."""

load("@bazel_features//:deps.bzl", "bazel_features_deps")

visibility("public")

def rules_inference_setup():
    """Configures the declared repositories and registers the default plugins; call it after your own toolchains."""
    bazel_features_deps()
    native.register_toolchains("@rules_inference//toolchains:all")
