"""Module extensions, for MODULE.bazel files.

    wheels = use_extension("@rules_inference//rules:extensions.bzl", "wheels")
    wheels.lock(name = "wheels", file = "//:requirements.lock.txt", pythons = ["3.11"])
    use_repo(wheels, "wheels")

    variants = use_extension("@rules_inference//rules:extensions.bzl", "variants")
    variants.artifact(name = "super_stt", lock = "//:super_stt.lock.json")
    variants.hosts(name = "hosts", files = ["//hosts:h200.json"])
    use_repo(variants, "hosts", "super_stt")

    models = use_extension("@rules_inference//rules:extensions.bzl", "models")
    models.lock(name = "models", file = "//:models.lock.json")
    use_repo(models, "models")

    cuda = use_extension("@rules_inference//rules:extensions.bzl", "cuda")
    cuda.toolkit(version = "13.0")
    use_repo(cuda, "cuda")
    register_toolchains("@cuda//:all")

    hermetic_cc = use_extension("@rules_inference//rules:extensions.bzl", "hermetic_cc")
    hermetic_cc.toolchain(glibc = "2.28")
    use_repo(hermetic_cc, "hermetic_cc")
    register_toolchains("@hermetic_cc//:all")

    plugins = use_extension("@rules_inference//rules:extensions.bzl", "plugins")
    plugins.prebuilt(lock = "//:rules_inference.lock.json")
"""

load("//rules/private/cuda/toolkit:extension.bzl", _cuda = "cuda")
load("//rules/private/hermetic_cc:extension.bzl", _hermetic_cc = "hermetic_cc")
load("//rules/private/models:extension.bzl", _models = "models")
load("//rules/private/prebuilt:extension.bzl", _plugins = "plugins")
load("//rules/private/variants:extension.bzl", _variants = "variants")
load("//rules/private/wheels:extension.bzl", _wheels = "wheels")

visibility("public")

cuda = _cuda
hermetic_cc = _hermetic_cc
models = _models
plugins = _plugins
variants = _variants
wheels = _wheels
