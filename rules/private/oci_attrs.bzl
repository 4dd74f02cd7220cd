"""Attributes of `oci_image` and their form in a request."""

load("//rules/private/providers:layer_info.bzl", "LayerGroupInfo", "LayerInfo")

visibility("//rules/private/...")

OCI_IMAGE_ATTRS = {
    "annotations": attr.string_dict(doc = "Annotations of the manifest. Default: none."),
    "architecture": attr.string(
        doc = "Architecture in Go's words, such as `amd64`. Default: that of the target platform.",
    ),
    "base": attr.label(
        allow_files = True,
        doc = "Another `oci_image`, or an OCI layout: one directory, or all of its files. Default: none (from scratch).",
    ),
    "cmd": attr.string_list(
        doc = "Default arguments. Default: the base's, or none where `entrypoint` is set.",
    ),
    "created": attr.string(
        doc = "RFC 3339 time in UTC of the config and of new history entries. Default `1970-01-01T00:00:00Z`.",
    ),
    "entrypoint": attr.string_list(doc = "Command that always runs. Default: the base's."),
    "env": attr.string_dict(doc = "Environment; a name of the base keeps its place and gets the new value."),
    "exposed_ports": attr.string_list(doc = "Ports such as `8080/tcp`, added to the base's."),
    "labels": attr.string_dict(doc = "Labels of the config, added to the base's."),
    "layers": attr.label_list(
        doc = "Layers above the base, bottom first.",
        providers = [[LayerInfo], [LayerGroupInfo]],
    ),
    "os": attr.string(default = "linux", doc = "Operating system in Go's words. Default `linux`."),
    "stop_signal": attr.string(doc = "Signal that stops the container, such as `SIGTERM`. Default: the base's."),
    "tag": attr.string(
        default = "latest",
        doc = "`org.opencontainers.image.ref.name` of the image in the layout. Default `latest`.",
    ),
    "user": attr.string(doc = "User (and group) of the process: `65532:65532`. Default: the base's."),
    "variant": attr.string(doc = "Variant of the architecture, such as `v8`. Default: none."),
    "volumes": attr.string_list(doc = "Paths that hold data, added to the base's."),
    "working_dir": attr.string(doc = "Working directory of the process. Default: the base's."),
    "_architectures": attr.label_keyed_string_dict(
        default = {
            "@platforms//cpu:aarch64": "arm64",
            "@platforms//cpu:ppc64le": "ppc64le",
            "@platforms//cpu:riscv64": "riscv64",
            "@platforms//cpu:s390x": "s390x",
            "@platforms//cpu:x86_64": "amd64",
        },
        doc = "CPU constraint -> architecture.",
        providers = [platform_common.ConstraintValueInfo],
    ),
}

def _architecture(ctx):
    if ctx.attr.architecture:
        return ctx.attr.architecture
    for (constraint, architecture) in ctx.attr._architectures.items():
        if ctx.target_platform_has_constraint(constraint[platform_common.ConstraintValueInfo]):
            return architecture
    fail("{}: architecture: got a target platform with none of the CPUs {}, expected one of them; set `architecture`".format(
        ctx.label,
        [str(constraint.label) for constraint in ctx.attr._architectures],
    ))

def _pairs(values):
    return [{"key": key, "value": value} for (key, value) in values.items()]

def image_settings(ctx):
    """The constant part of an image request.

    Args:
      ctx: context of `oci_image`.

    Returns:
      dict in the JSON form of `rules_inference.sdk.ImageRequest`.
    """
    attributes = ctx.attr
    return {
        "annotations": _pairs(attributes.annotations),
        "cmd": attributes.cmd,
        "created": attributes.created,
        "entrypoint": attributes.entrypoint,
        "env": _pairs(attributes.env),
        "exposedPorts": attributes.exposed_ports,
        "labels": _pairs(attributes.labels),
        "platform": {"architecture": _architecture(ctx), "os": attributes.os, "variant": attributes.variant},
        "refName": attributes.tag,
        "stopSignal": attributes.stop_signal,
        "user": attributes.user,
        "volumes": attributes.volumes,
        "workingDir": attributes.working_dir,
    }
