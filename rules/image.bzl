"""OCI images: `oci_image` and `oci_index` (layouts of one image, and of one for each platform), `oci_load` (for docker and podman), `oci_push`
(to a registry), `oci_model` (a model as an artifact)."""

load("//rules/private:oci_image.bzl", _oci_image = "oci_image")
load("//rules/private:oci_index.bzl", _oci_index = "oci_index")
load("//rules/private:oci_load.bzl", _oci_load = "oci_load")
load("//rules/private:oci_push.bzl", _oci_push = "oci_push")
load("//rules/private/models:oci_model.bzl", _oci_model = "oci_model")

visibility("public")

oci_image = _oci_image
oci_index = _oci_index
oci_load = _oci_load
oci_model = _oci_model
oci_push = _oci_push
