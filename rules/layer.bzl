"""OCI layers: `file_layer`, `model_layer`, `wheel_layer`, `wheel_layers`, `wheel_tiers`."""

load("//rules/private:layer_file.bzl", _file_layer = "file_layer")
load("//rules/private:layer_wheel.bzl", _wheel_layer = "wheel_layer")
load("//rules/private:layer_wheels.bzl", _wheel_layers = "wheel_layers", _wheel_tiers = "wheel_tiers")
load("//rules/private/models:layer.bzl", _model_layer = "model_layer")

visibility("public")

file_layer = _file_layer
model_layer = _model_layer
wheel_layer = _wheel_layer
wheel_layers = _wheel_layers
wheel_tiers = _wheel_tiers
