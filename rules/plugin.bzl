"""Plugins: C++ programs on `@rules_inference//plugins/sdk:plugin` behind a Bazel toolchain type.

`plugin_toolchain` makes a plugin known to Bazel, `plugin_conformance_test` checks that it keeps to the interface,
`run_plugin` runs it from a rule, and `plugin_cc_proto` compiles the .proto file of its requests.
"""

load("//rules/private:plugin_action.bzl", _plugin_args = "plugin_args", _run_plugin = "run_plugin")
load("//rules/private:plugin_conformance.bzl", _plugin_conformance_test = "plugin_conformance_test")
load("//rules/private:plugin_info.bzl", _PluginInfo = "PluginInfo")
load("//rules/private:plugin_toolchain.bzl", _plugin_toolchain = "plugin_toolchain")
load("//rules/private:proto.bzl", _cc_proto = "cc_proto")

visibility("public")

PluginInfo = _PluginInfo
plugin_args = _plugin_args
plugin_cc_proto = _cc_proto
plugin_conformance_test = _plugin_conformance_test
plugin_toolchain = _plugin_toolchain
run_plugin = _run_plugin
