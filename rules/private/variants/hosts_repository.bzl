"""Host descriptors from JSON files: `@hosts//:h200`."""

load("//rules/private/wheels:errors.bzl", "error_text")

visibility(["//rules/private/variants"])

_BUILD = """\
load("{rule}", "host_descriptor")

package(default_visibility = ["//visibility:public"])
"""

_TEXT_KEYS = ["cpu_level", "driver", "driver_api", "forward_compat", "libc", "platform"]

def _target(name, descriptor):
    attributes = {key: descriptor[key] for key in _TEXT_KEYS if descriptor.get(key)}
    attributes["devices"] = [device.get("compute_capability", "") for device in descriptor.get("devices", [])]
    attributes["sonames"] = descriptor.get("sonames", [])
    attributes["properties"] = {
        "{}::{}".format(item["namespace"], item["feature"]): item["values"]
        for item in descriptor.get("properties", [])
    }
    lines = ["    {} = {},\n".format(key, repr(attributes[key])) for key in sorted(attributes)]
    return "\nhost_descriptor(\n    name = {},\n{})\n".format(repr(name), "".join(lines))

def _hosts_repository_impl(rctx):
    text = _BUILD.format(rule = str(Label("//rules/private/variants:host.bzl")))
    for file in rctx.attr.files:
        descriptor = json.decode(rctx.read(file), None)
        if type(descriptor) != "dict" or descriptor.get("descriptor_version") != 1:
            fail("\n" + error_text(
                "host descriptor",
                str(file),
                "no JSON object with descriptor_version 1",
                "what `inferctl detect` writes",
            ))
        text += _target(file.name.split("/")[-1].removesuffix(".json").removesuffix(".host"), descriptor)
    rctx.file("BUILD.bazel", text, executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

hosts_repository = repository_rule(
    implementation = _hosts_repository_impl,
    doc = "One host_descriptor for each JSON file, with the name of the file.",
    attrs = {
        "files": attr.label_list(allow_files = [".json"], mandatory = True, doc = "Written by `inferctl detect`."),
    },
)
