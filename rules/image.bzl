"""OCI images: `oci_image` (an OCI layout), `oci_load` (for docker and podman), `oci_model` (a model as an artifact)."""

load("//rules/private:oci_image.bzl", _oci_image = "oci_image")
load("//rules/private:oci_load.bzl", _oci_load = "oci_load")
load("//rules/private/models:oci_model.bzl", _oci_model = "oci_model")

visibility("public")

oci_image = _oci_image
oci_load = _oci_load
oci_model = _oci_model
