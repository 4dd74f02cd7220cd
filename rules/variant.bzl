"""Variant artifacts: prebuilt archives per accelerator and platform, selected for a machine.

The hub of a lock has what most builds need: `@super_stt//:artifact` (selected), `@super_stt//:cuda-sm86` (that one),
`@super_stt//:explain` (why).
"""

load("//rules/private/providers:variant_info.bzl", _VariantInfo = "VariantInfo")
load("//rules/private/variants:host.bzl", _HostInfo = "HostInfo", _host_descriptor = "host_descriptor")
load("//rules/private/variants:launcher.bzl", _variant_launcher = "variant_launcher")

visibility("public")

HostInfo = _HostInfo
VariantInfo = _VariantInfo
host_descriptor = _host_descriptor
variant_launcher = _variant_launcher
