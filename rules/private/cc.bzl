"""C++ rules for this repository's own code: rules_cc's with our warnings as errors."""

load("@rules_cc//cc:cc_binary.bzl", _cc_binary = "cc_binary")
load("@rules_cc//cc:cc_library.bzl", _cc_library = "cc_library")
load("@rules_cc//cc:cc_test.bzl", _cc_test = "cc_test")

visibility(["//..."])

# Third-party headers reach us through -isystem or with their own pragmas; what is listed here is ours to fix.
_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wno-missing-field-initializers",
]

def _copts(copts):
    # Those who depend on this module neither see nor fail on warnings: their compiler, or their way of including
    # third-party headers, may be another one.
    return select({
        Label("//rules/private/cc:warnings_as_errors"): _WARNINGS + ["-Werror"],
        "//conditions:default": [],
    }) + copts

def cc_library(name, copts = [], **kwargs):
    """rules_cc's cc_library with our warnings; same attributes."""
    _cc_library(name = name, copts = _copts(copts), **kwargs)

def cc_binary(name, copts = [], **kwargs):
    """rules_cc's cc_binary with our warnings; same attributes."""
    _cc_binary(name = name, copts = _copts(copts), **kwargs)

def cc_test(name, copts = [], **kwargs):
    """rules_cc's cc_test with our warnings; same attributes."""
    _cc_test(name = name, copts = _copts(copts), **kwargs)
