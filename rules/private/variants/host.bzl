"""Host descriptors as targets: what the machine supports that a build is for."""

# Repositories of host descriptors load this.
visibility("public")

HostInfo = provider(
    doc = "What is known about the machine that is built for.",
    fields = {
        "descriptor": "dict: a HostDescriptor (plugins/sdk/select.proto), or None when nothing is known.",
        "where": "string: where it comes from, for messages.",
    },
)

def _unknown_host_impl(ctx):
    return [HostInfo(descriptor = None, where = str(ctx.label))]

unknown_host = rule(
    implementation = _unknown_host_impl,
    doc = "Nothing is known about the machine: selection takes the variant that runs everywhere.",
    attrs = {},
    provides = [HostInfo],
)

def _host_descriptor_impl(ctx):
    descriptor = {"descriptor_version": 1} | {
        key: getattr(ctx.attr, key)
        for key in ["cpu_level", "driver", "driver_api", "forward_compat", "libc", "platform", "sonames"]
        if getattr(ctx.attr, key)
    }
    if ctx.attr.devices:
        descriptor["devices"] = [{"compute_capability": device} for device in ctx.attr.devices]
    properties = []
    for key, values in ctx.attr.properties.items():
        namespace, separator, feature = key.partition("::")
        if not (namespace and separator and feature and values):
            fail("{}: properties: got {}, expected 'namespace::feature' with values".format(ctx.label, repr(key)))
        properties.append({"feature": feature, "namespace": namespace, "values": values})
    if properties:
        descriptor["properties"] = properties
    return [HostInfo(descriptor = descriptor, where = str(ctx.label))]

host_descriptor = rule(
    implementation = _host_descriptor_impl,
    doc = """What a machine supports. Name it in the flag: `--@rules_inference//rules:host=//hosts:h200`.

`inferctl detect --build` prints one for the machine it runs on. Nothing is probed in a build.""",
    attrs = {
        "cpu_level": attr.string(doc = "`x86-64-v1` to `x86-64-v4`, or `armv8.0-a` and up; default: the lowest of the platform."),
        "devices": attr.string_list(doc = "Compute capability of each device, such as `9.0`; default: no device."),
        "driver": attr.string(doc = "Version of the NVIDIA kernel driver, such as `580.95.05`."),
        "driver_api": attr.string(doc = "Newest CUDA release that the driver implements, such as `13.0`."),
        "forward_compat": attr.string(doc = "Newest CUDA release that an installed forward-compatibility package adds; default: none."),
        "libc": attr.string(doc = "`glibc-2.36` or `musl-1.2`; a variant that asks for a libc is refused without it."),
        "platform": attr.string(doc = "`linux-x86_64` and the like; default: any. Builds for another platform know nothing of this host."),
        "properties": attr.string_list_dict(doc = "`namespace::feature` -> values, best first, for provider plugins."),
        "sonames": attr.string_list(doc = "Shared libraries that are there, beyond libc and the driver's."),
    },
    provides = [HostInfo],
)
