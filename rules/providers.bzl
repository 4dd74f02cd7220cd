"""Providers of rules_inference."""

load("//rules/private/providers:layer_info.bzl", _LayerGroupInfo = "LayerGroupInfo", _LayerInfo = "LayerInfo")
load("//rules/private/providers:model_info.bzl", _ModelInfo = "ModelInfo")
load("//rules/private/providers:oci_image_info.bzl", _OciImageInfo = "OciImageInfo")
load("//rules/private/providers:wheel_info.bzl", _WheelInfo = "WheelInfo")
load("//rules/private/providers:wheel_tree_info.bzl", _WheelTreeInfo = "WheelTreeInfo")
load("//rules/private/providers:wheel_trees_info.bzl", _WheelTreesInfo = "WheelTreesInfo")
load("//rules/private/providers:wheel_venv_info.bzl", _WheelVenvInfo = "WheelVenvInfo")

visibility("public")

LayerInfo = _LayerInfo
LayerGroupInfo = _LayerGroupInfo
ModelInfo = _ModelInfo
OciImageInfo = _OciImageInfo
WheelInfo = _WheelInfo
WheelTreeInfo = _WheelTreeInfo
WheelTreesInfo = _WheelTreesInfo
WheelVenvInfo = _WheelVenvInfo
