"""Puts components into a repository: a wheel comes as every other wheel does, an archive from where the user says it is."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "get_auth")
load("//rules/private/wheels:errors.bzl", "error_text")
load("//rules/private/wheels:fetch.bzl", "fetch_wheel")
load(":manifest.bzl", "archive_stem")

visibility(["//rules/private/cuda/toolkit"])

# Any CPython that the package index knows: these wheels hold no Python code.
_PYTHON = "3.11"

def fetch_component(rctx, about):
    """Puts the folders of a component (bin, include, lib, ...) into the root of the repository.

    Args:
      rctx: the repository context.
      about: struct (component, version, platform, row, prefix, manifest, urls).
    """
    if "wheel" in about.row:
        file, prefix = _fetch_wheel(rctx, about), about.prefix

        # Bazel tells the kind of an archive from its name, and knows wheels since 8.3 only.
        archive = about.component + ".zip"
        rctx.symlink(file, archive)
        rctx.extract(archive, "", prefix)
        rctx.delete(archive)
    else:
        file = _fetch_archive(rctx, about)
        rctx.extract(file, "", archive_stem(file))
    rctx.delete(file)

def _fetch_wheel(rctx, about):
    return fetch_wheel(rctx, struct(
        file = about.row["file"],
        hashes = [about.row["sha256"]],
        lock = about.manifest,
        newest = {},
        package = about.row["wheel"],
        path = "",
        platform = about.platform.replace("-", "_"),
        python = _PYTHON,
        url = "",
        version = about.version,
    ))

def _fetch_archive(rctx, about):
    path = about.row["redist"]
    where = "{} {} ({})".format(about.component, about.version, about.platform)
    if not about.urls:
        fail("\n" + error_text(
            "cuda component",
            where,
            "no urls",
            "a place that has '{}'".format(path),
            "say where its archives are: cuda.toolkit(version = ..., manifest = ..., urls = [...])",
        ))
    urls = ["{}/{}".format(url.rstrip("/"), path) for url in about.urls]
    archive = path.split("/")[-1]
    result = rctx.download(urls, archive, sha256 = about.row["sha256"], auth = get_auth(rctx, urls), allow_fail = True)
    if not result.success:
        fail("\n" + error_text(
            "cuda component",
            where,
            "nothing usable from {}".format(" ".join(urls)),
            "the file with sha256 {} that {} pins".format(about.row["sha256"], about.manifest),
            "see the warnings above; a pinned component that cannot be had, or has other bytes, ends the build",
        ))
    return archive
