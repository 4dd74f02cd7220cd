"""WORKSPACE mode (Bazel 7.7 with --noenable_bzlmod --enable_workspace).

    load("@rules_inference//rules:repositories.bzl", "rules_inference_dependencies")
    rules_inference_dependencies()
    load("@rules_inference//rules:setup.bzl", "rules_inference_setup")
    rules_inference_setup()

The pins are the newest generation that still supports WORKSPACE; MODULE.bazel names newer ones. What is already declared is
left alone, so that a workspace can bring its own versions by declaring them first.
"""

load("@bazel_tools//tools/build_defs/repo:http.bzl", "http_archive")
load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//rules/private:third_party.bzl", "UNREGISTERED")
load("//rules/private/cuda/toolkit:workspace.bzl", _cuda_toolkit = "cuda_toolkit")
load("//rules/private/hermetic_cc:declare.bzl", _hermetic_cc_toolchain = "hermetic_cc_toolchain")
load("//rules/private/models:workspace.bzl", _models_lock = "models_lock")
load("//rules/private/prebuilt:workspace.bzl", "plugins_from_source", _plugins_prebuilt = "plugins_prebuilt")
load("//rules/private/variants:workspace.bzl", _variants_artifact = "variants_artifact", _variants_hosts = "variants_hosts")
load("//rules/private/wheels:workspace.bzl", _wheels_lock = "wheels_lock")

visibility("public")

cuda_toolkit = _cuda_toolkit
hermetic_cc_toolchain = _hermetic_cc_toolchain
models_lock = _models_lock
plugins_prebuilt = _plugins_prebuilt
variants_artifact = _variants_artifact
variants_hosts = _variants_hosts
wheels_lock = _wheels_lock

_GITHUB = "https://github.com/"

# Repository name -> (path under _GITHUB or url, sha256, strip_prefix, overlay BUILD file or None).
_ARCHIVES = {
    "abseil-cpp": (
        "abseil/abseil-cpp/releases/download/20240722.0/abseil-cpp-20240722.0.tar.gz",
        "f50e5ac311a81382da7fa75b97310e4b9006474f9560ac46f54a9967f07d4ae3",
        "abseil-cpp-20240722.0",
        None,
    ),
    "bazel_features": (
        "bazel-contrib/bazel_features/releases/download/v1.11.0/bazel_features-v1.11.0.tar.gz",
        "2cd9e57d4c38675d321731d65c15258f3a66438ad531ae09cb8bb14217dc8572",
        "bazel_features-1.11.0",
        None,
    ),
    "bazel_skylib": (
        "bazelbuild/bazel-skylib/releases/download/1.9.0/bazel-skylib-1.9.0.tar.gz",
        "3b5b49006181f5f8ff626ef8ddceaa95e9bb8ad294f7b5d7b11ea9f7ddaf8c59",
        "",
        None,
    ),
    "boringssl": (
        "google/boringssl/releases/download/0.20260526.0/boringssl-0.20260526.0.tar.gz",
        "6c94f115372978f4505df8280522111c03f2ec4efbdf2dcc713cb8cf1fa9aaab",
        "boringssl-0.20260526.0",
        None,
    ),
    "cli11": (
        "CLIUtils/CLI11/archive/refs/tags/v2.6.2.tar.gz",
        "c6ea6b2e5608b3ea8617999bd5f47420c71b2ebdb8dc4767c1034d1da5785711",
        "CLI11-2.6.2",
        "//third_party/cli11:overlay.BUILD.bazel",
    ),
    "com_google_protobuf": (
        "protocolbuffers/protobuf/archive/v3.21.12.tar.gz",
        "930c2c3b5ecc6c9c12615cf5ad93f1cd6e12d0aba862b572e076259970ac3a53",
        "protobuf-3.21.12",
        None,
    ),
    "curl": (
        "curl/curl/releases/download/curl-8_14_1/curl-8.14.1.tar.gz",
        "6766ada7101d292b42b8b15681120acd68effa4a9660935853cf6d61f0d984d4",
        "curl-8.14.1",
        "//third_party/curl:overlay.BUILD.bazel",
    ),
    "googletest": (
        "google/googletest/archive/release-1.12.1.tar.gz",
        "81964fe578e9bd7c94dfdb09c8e4d6e6759e19967e397dbea48d1c10e45d0df2",
        "googletest-release-1.12.1",
        None,
    ),
    "highway": (
        "google/highway/releases/download/1.4.0/highway-1.4.0.tar.gz",
        "36f672ab48ddb3c8555e9e89e16fe400cd7d16c6eb455a1a3d0c146a63ababdc",
        "highway-1.4.0",
        "//third_party/highway:overlay.BUILD.bazel",
    ),
    "libdeflate": (
        "ebiggers/libdeflate/releases/download/v1.25/libdeflate-1.25.tar.gz",
        "fed5cd22f00f30cc4c2e5329f94e2b8a901df9fa45ee255cb70e2b0b42344477",
        "libdeflate-1.25",
        "//third_party/libdeflate:overlay.BUILD.bazel",
    ),
    "libmicrohttpd": (
        "https://ftp.gnu.org/gnu/libmicrohttpd/libmicrohttpd-1.0.10.tar.gz",
        "04bfe8ef75db7d629a33de767599765cecadc56274a39822d5d081030d577685",
        "libmicrohttpd-1.0.10",
        "//third_party/libmicrohttpd:overlay.BUILD.bazel",
    ),
    "ogg": (
        "xiph/ogg/releases/download/v1.3.5/libogg-1.3.5.tar.xz",
        "c4d91be36fc8e54deae7575241e03f4211eb102afb3fc0775fbbc1b740016705",
        "libogg-1.3.5",
        "//third_party/ogg:overlay.BUILD.bazel",
    ),
    "platforms": (
        "bazelbuild/platforms/releases/download/1.0.0/platforms-1.0.0.tar.gz",
        "3384eb1c30762704fbe38e440204e114154086c8fc8a8c2e3e28441028c019a8",
        "",
        None,
    ),
    "rules_cc": (
        "bazelbuild/rules_cc/releases/download/0.0.17/rules_cc-0.0.17.tar.gz",
        "abc605dd850f813bb37004b77db20106a19311a96b2da1c92b789da529d28fe1",
        "rules_cc-0.0.17",
        None,
    ),
    "rules_java": (
        "bazelbuild/rules_java/releases/download/7.6.5/rules_java-7.6.5.tar.gz",
        "8afd053dd2a7b85a4f033584f30a7f1666c5492c56c76e04eec4428bdb2a86cf",
        "",
        None,
    ),
    "rules_license": (
        "bazelbuild/rules_license/releases/download/0.0.7/rules_license-0.0.7.tar.gz",
        "4531deccb913639c30e5c7512a054d5d875698daeb75d8cf90f284375fe7c360",
        "",
        None,
    ),
    "rules_pkg": (
        "bazelbuild/rules_pkg/releases/download/0.9.1/rules_pkg-0.9.1.tar.gz",
        "8f9ee2dc10c1ae514ee599a8b42ed99fa262b757058f65ad3c384289ff70c4b8",
        "",
        None,
    ),
    "rules_proto": (
        "bazelbuild/rules_proto/releases/download/6.0.0/rules_proto-6.0.0.tar.gz",
        "303e86e722a520f6f326a50b41cfc16b98fe6d1955ce46642a5b7a67c11c0f5d",
        "rules_proto-6.0.0",
        None,
    ),
    "rules_python": (
        "bazelbuild/rules_python/releases/download/0.22.1/rules_python-0.22.1.tar.gz",
        "a5640fddd4beb03e8c1fde5ed7160c0ba6bd477e7d048661c30c06936a26fd63",
        "rules_python-0.22.1",
        None,
    ),
    "rules_shell": (
        "bazelbuild/rules_shell/releases/download/v0.6.1/rules_shell-v0.6.1.tar.gz",
        "e6b87c89bd0b27039e3af2c5da01147452f240f75d505f5b6880874f31036307",
        "rules_shell-0.6.1",
        None,
    ),
    "vorbis": (
        "xiph/vorbis/releases/download/v1.3.7/libvorbis-1.3.7.tar.gz",
        "0e982409a9c3fc82ee06e08205b1355e5c6aa4c36bca58146ef399621b0ce5ab",
        "libvorbis-1.3.7",
        "//third_party/vorbis:overlay.BUILD.bazel",
    ),
    "xz": (
        "tukaani-project/xz/releases/download/v5.4.5/xz-5.4.5.tar.xz",
        "da9dec6c12cf2ecf269c31ab65b5de18e8e52b96f35d5bcd08c12b43e6878803",
        "xz-5.4.5",
        "//third_party/xz:overlay.BUILD.bazel",
    ),
    "zlib": (
        "madler/zlib/releases/download/v1.3.2/zlib-1.3.2.tar.gz",
        "bb329a0a2cd0274d05519d61c667c062e06990d72e125ee2dfa8de64f0119d16",
        "zlib-1.3.2",
        "//third_party/zlib:overlay.BUILD.bazel",
    ),
    "zstd": (
        "facebook/zstd/releases/download/v1.5.7/zstd-1.5.7.tar.gz",
        "eb33e51f49a15e023950cd7825ca74a4a2b43db8354825ac24fc1b7ee09e6fa3",
        "zstd-1.5.7",
        "//third_party/zstd:overlay.BUILD.bazel",
    ),
}

def rules_inference_dependencies():
    """Declares the repositories that rules_inference is built from, where they are not declared yet."""
    plugins_from_source()
    for name, archive in UNREGISTERED.items():
        maybe(http_archive, name = name, **archive)
    for name, (path, sha256, strip_prefix, overlay) in _ARCHIVES.items():
        maybe(
            http_archive,
            name = name,
            urls = [path if "://" in path else _GITHUB + path],
            sha256 = sha256,
            strip_prefix = strip_prefix,
            **({"build_file": Label(overlay)} if overlay else {})
        )
