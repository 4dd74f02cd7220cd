"""OCI images: `oci_image` (an OCI layout), `oci_load` (for docker and podman)."""

load("//rules/private:oci_image.bzl", _oci_image = "oci_image")
load("//rules/private:oci_load.bzl", _oci_load = "oci_load")

visibility("public")

oci_image = _oci_image
oci_load = _oci_load
