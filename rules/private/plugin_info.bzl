"""The provider of a plugin, as rules find it in `ctx.toolchains[TYPE].plugin`."""

visibility(["//rules/..."])

# Capabilities that change how Bazel runs the plugin, and the execution requirement that each one stands for.
CAPABILITY_REQUIREMENTS = {
    "cancellation": "supports-worker-cancellation",
    "multiplex": "supports-multiplex-workers",
    "sandboxing": "supports-multiplex-sandboxing",
}

def _init(*, kind, files_to_run, capabilities = []):
    if type(kind) != "string" or not kind.replace("_", "a").replace("-", "a").isalnum() or kind != kind.lower():
        fail("PluginInfo: kind: got {}, expected a lower-case word such as \"layer\"".format(repr(kind)))
    if not getattr(files_to_run, "executable", None):
        fail("PluginInfo: files_to_run of kind {}: got {}, expected the FilesToRunProvider of an executable".format(
            repr(kind),
            repr(files_to_run),
        ))
    unknown = [c for c in capabilities if c not in CAPABILITY_REQUIREMENTS]
    if unknown:
        fail("PluginInfo: capabilities of kind {}: got {}, expected some of {}".format(
            repr(kind),
            unknown,
            sorted(CAPABILITY_REQUIREMENTS),
        ))
    return {
        "capabilities": tuple(sorted(capabilities)),
        "executable": files_to_run.executable,
        "files_to_run": files_to_run,
        "kind": kind,
    }

PluginInfo, _new_plugin_info = provider(
    doc = "A plugin, built for the execution platform.",
    fields = {
        "capabilities": "tuple of strings, sorted: some of the keys of CAPABILITY_REQUIREMENTS",
        "executable": "File: the plugin's program; run it through `files_to_run`, which brings its runfiles",
        "files_to_run": "FilesToRunProvider of the plugin, for `ctx.actions.run(executable = ...)`",
        "kind": "string: the kind of work, such as \"layer\"",
    },
    init = _init,
)
