"""Releases: `variant_release` makes archives and a lock of one program, `cuda_archs_test` holds a binary to its CUDA code."""

load("//rules/private/release:cuda_archs_test.bzl", _cuda_archs_test = "cuda_archs_test")
load("//rules/private/release:variant.bzl", _variant = "variant")
load("//rules/private/release:variant_release.bzl", _variant_release = "variant_release")

visibility("public")

cuda_archs_test = _cuda_archs_test
variant = _variant
variant_release = _variant_release
