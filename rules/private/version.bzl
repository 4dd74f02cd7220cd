"""The version of everything that is here; `.ci/lint` checks that MODULE.bazel and plugins/base/version.h have the same."""

visibility(["//rules/private/...", "//tests/prebuilt", "//toolchains/..."])

VERSION = "0.1.0"
