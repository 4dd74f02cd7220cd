"""What an unpacked variant artifact is between rules."""

visibility("//rules/...")

def _variant_info_init(*, artifact, version, name, platform, directory, properties):
    if type(directory) != "File" or not directory.is_directory:
        fail("VariantInfo: directory: got {}, expected a directory".format(repr(directory)))
    for (field, value) in [("artifact", artifact), ("name", name), ("platform", platform)]:
        if type(value) != "string" or not value:
            fail("VariantInfo: {}: got {}, expected text".format(field, repr(value)))
    if type(properties) != "dict":
        fail("VariantInfo: properties: got {}, expected a dict".format(repr(properties)))
    return {
        "artifact": artifact,
        "directory": directory,
        "name": name,
        "platform": platform,
        "properties": properties,
        "version": version,
    }

VariantInfo, _new_variant_info = provider(
    doc = "One variant of an artifact, unpacked.",
    fields = {
        "artifact": "string: name of the artifact, as in its lock.",
        "directory": "File: directory with the content of the archive, below its strip_prefix.",
        "name": "string: name of the variant, such as `cuda-sm86`.",
        "platform": "string: `<os>-<cpu>`.",
        "properties": "dict: what a machine needs, as in the lock (VariantProperties).",
        "version": "string: version of the artifact, or empty.",
    },
    init = _variant_info_init,
)
