"""Sources that are in no module registry, for both modes: a module extension declares them, or rules:repositories.bzl."""

load("@bazel_tools//tools/build_defs/repo:http.bzl", "http_archive")

visibility(["//..."])

# Repository name -> attributes of http_archive. The closed set-up overrides each by its name (third_party/bootstrap/closed.sh).
UNREGISTERED = {
    "miniaudio": {
        "build_file": Label("//third_party/miniaudio:overlay.BUILD.bazel"),
        "sha256": "b900edcffe979816e2560a0580b9b1216d674b4f17fbadeca8f777a7f8ab0274",
        "strip_prefix": "miniaudio-0.11.25",
        "urls": ["https://github.com/mackron/miniaudio/archive/refs/tags/0.11.25.tar.gz"],
    },
}

def _third_party_impl(module_ctx):
    for name, archive in UNREGISTERED.items():
        http_archive(name = name, **archive)
    return module_ctx.extension_metadata(reproducible = True)

third_party = module_extension(
    implementation = _third_party_impl,
    doc = "Declares the repositories that rules_inference is built from and that no registry has.",
)
