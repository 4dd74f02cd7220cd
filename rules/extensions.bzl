"""Module extensions, for MODULE.bazel files.

    wheels = use_extension("@rules_inference//rules:extensions.bzl", "wheels")
    wheels.lock(name = "wheels", file = "//:requirements.lock.txt", pythons = ["3.11"])
    use_repo(wheels, "wheels")
"""

load("//rules/private/wheels:extension.bzl", _wheels = "wheels")

visibility("public")

wheels = _wheels
