"""`variant_release`: one program as archives for accelerators and platforms, and the lock of them."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//rules/private:layer_action.bzl", "LAYER_TOOLCHAIN_TYPE", "layer_action")
load("//rules/private/providers:release_info.bzl", "ReleaseInfo")
load(":content.bzl", "release_content")
load(":lock_action.bzl", "RELEASE_TOOLCHAIN_TYPE", "label_text", "lock_action", "row_action")
load(":platform.bzl", "ReleasePlatformInfo")
load(":split.bzl", "builds", "release_split", "split_key")
load(":variant.bzl", "declared_properties", "parse_variant")

visibility(["//rules/...", "//tests/release/..."])

_COMPRESS = {"tar.gz": "deflate", "tar.zst": "zstd"}

def _bad(where, attribute, got, expected):
    fail("\nerror: variant_release: {}: {}: got {}, expected {}".format(label_text(where), attribute, got, expected))

def _source_json(entry):
    return json.encode({"layer": {"files": [entry.fields | {"source": entry.file.path}]}})

def _check_platform(ctx, index, name):
    """The name of a platform by its constraints has to be what its own name promises."""
    if not name:
        _bad(ctx.label, "platforms", "a platform that is none of Linux, macOS and Windows on x86_64 or aarch64", "one of them")
    wanted = ctx.attr.platform_names[index] if ctx.attr.platform_names else name
    if wanted != name:
        _bad(ctx.label, "platforms", "{} as {}".format(label_text(ctx.attr.platforms[index].label), wanted), name)

def _platform_of(ctx, build):
    name = ctx.split_attr._platform[split_key(build.platform, build.variant)][ReleasePlatformInfo].name
    _check_platform(ctx, build.platform, name)
    return name

def _archive(ctx, *, build, variant, platform, artifact, properties):
    """Makes one archive and its row."""
    key = split_key(build.platform, build.variant)
    binary = ctx.split_attr.binary[key]
    files = ctx.split_attr.files[key] if ctx.attr.files else []
    entries = release_content(
        where = label_text(ctx.label),
        prefix = ctx.attr.prefix,
        workspace = ctx.workspace_name,
        binary = binary,
        with_libraries = ctx.attr.libraries == "include",
        files = zip(files, ctx.attr.file_paths),
    )
    stem = "{}_archives/{}-{}-{}".format(ctx.label.name, artifact, platform, build.variant)
    layer = layer_action(
        ctx,
        name = stem,
        compress = _COMPRESS[ctx.attr.format],
        level = 0,
        inputs = [depset([entry.file for entry in entries])],
        fill = lambda args: args.add_all(entries, map_each = _source_json),
        mnemonic = "ReleaseArchive",
        what = "",
    )
    row = row_action(
        ctx,
        stem = stem,
        archive = layer.blob,
        program = binary[DefaultInfo].files_to_run.executable,
        declared = {
            "format": ctx.attr.format,
            "name": variant.name,
            "platform": platform,
            "properties": properties,
        } | ({"strip_prefix": ctx.attr.prefix} if ctx.attr.prefix else {}),
    )
    return struct(absent = None, archive = layer.blob, name = variant.name, platform = platform, row = row)

def _absent(build, variant, platform, properties):
    row = {"name": variant.name, "not_available": build.reason, "platform": platform}
    if variant.cuda:
        row["properties"] = properties
    return struct(absent = row, archive = None, row = None)

def _variant_release_impl(ctx):
    variants = {item["name"]: struct(**item) for item in [json.decode(text) for text in ctx.attr.variants]}
    default_archs = ctx.attr._cuda_archs[BuildSettingInfo].value
    cuda_version = ctx.attr.cuda_version or ctx.attr._cuda_version[BuildSettingInfo].value
    todo = builds(variants.keys(), ctx.attr.platform_names, ctx.attr.not_available)
    built = [build for build in todo if not build.reason]

    # Platforms by index, as their builds say.
    platforms = {build.platform: _platform_of(ctx, build) for build in built}
    artifact = ctx.attr.artifact
    if not artifact:
        first = ctx.split_attr.binary[split_key(built[0].platform, built[0].variant)]
        artifact = first.label.name.rpartition("/")[2]

    rows = []
    for build in todo:
        variant = variants[build.variant]
        archs = variant.archs or (default_archs if variant.cuda else [])
        properties = declared_properties(
            struct(archs = archs, cuda = variant.cuda, properties = variant.properties),
            cuda_version,
        )
        if build.reason:
            platform = ctx.attr.platform_names[build.platform] if ctx.attr.platform_names else platforms[build.platform]
            rows.append(_absent(build, variant, platform, properties))
            continue
        rows.append(_archive(
            ctx,
            artifact = artifact,
            build = build,
            platform = platforms[build.platform],
            properties = properties,
            variant = variant,
        ))
    outputs = lock_action(
        ctx,
        lock = {"artifact": artifact, "url_template": ctx.attr.url_template, "version": ctx.attr.version},
        rows = rows,
        version_key = ctx.attr.version_key,
    )
    archives = [item.archive for item in rows if item.archive]

    export = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = export, target_file = ctx.executable._export, is_executable = True)
    runfiles = ctx.runfiles([outputs.manifest, outputs.lock, outputs.sums] + archives)
    return [
        DefaultInfo(
            executable = export,
            files = depset([export, outputs.lock, outputs.manifest, outputs.sums] + archives),
            runfiles = runfiles.merge(ctx.attr._export[DefaultInfo].default_runfiles),
        ),
        ReleaseInfo(
            artifact = artifact,
            rows = [
                struct(archive = row.archive, name = row.name, platform = row.platform, row = row.row)
                for row in rows
                if row.archive
            ],
            version = ctx.attr.version,
        ),
        OutputGroupInfo(
            archives = depset(archives),
            lock = depset([outputs.lock]),
            sums = depset([outputs.sums]),
        ),
    ]

_variant_release = rule(
    implementation = _variant_release_impl,
    doc = "See the macro `variant_release`.",
    attrs = {
        "artifact": attr.string(doc = "Name of the artifact; default: the name of the program."),
        "binary": attr.label(cfg = release_split, doc = "The program.", mandatory = True),
        "cuda_version": attr.string(doc = "Toolkit of code that does not tell its own; default: that of the flag."),
        "file_paths": attr.string_list(doc = "Places of `files`."),
        "files": attr.label_list(allow_files = True, cfg = release_split, doc = "Other files."),
        "format": attr.string(default = "tar.gz", doc = "Format of the archives.", values = _COMPRESS.keys()),
        "libraries": attr.string(default = "include", doc = "What becomes of libraries.", values = ["declare", "include"]),
        "not_available": attr.string_dict(doc = "Name or name@platform -> reason."),
        "platform_names": attr.string_list(doc = "Names of `platforms`."),
        "platforms": attr.label_list(doc = "Platforms to build for.", providers = [platform_common.PlatformInfo]),
        "prefix": attr.string(doc = "Directory in the archives."),
        "url_template": attr.string(doc = "Where archives will be."),
        "variants": attr.string_list(allow_empty = False, doc = "JSON of `variant()`.", mandatory = True),
        "version": attr.string(doc = "Version when nothing is stamped."),
        "version_key": attr.string(doc = "Key of the workspace status."),
        "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
        "_cuda_archs": attr.label(default = "//rules:cuda_archs"),
        "_cuda_version": attr.label(default = "//rules:cuda_version"),
        "_export": attr.label(
            # It runs on the machine of the user, whatever the platforms of the archives.
            cfg = "exec",
            default = "//toolchains/plugins:release_export",
            doc = "Copies the release out of the build.",
            executable = True,
        ),
        "_platform": attr.label(cfg = release_split, default = "//rules/private/release:platform"),
    },
    executable = True,
    toolchains = [LAYER_TOOLCHAIN_TYPE, RELEASE_TOOLCHAIN_TYPE],
)

def _platform_name(label):
    """`linux-x86_64` of `//platforms:linux_x86_64`."""
    name = str(label).rpartition(":")[2].rpartition("/")[2]
    return name if "-" in name else name.replace("_", "-", 1)

def _check_not_available(name, not_available, names, platform_names):
    for key, reason in not_available.items():
        variant, _, platform = key.partition("@")
        if variant not in names or ("@" in key and platform not in platform_names):
            _bad(
                name,
                "not_available",
                repr(key),
                "NAME or NAME@PLATFORM of {} and {}".format(", ".join(names), ", ".join(platform_names) or "no platforms"),
            )
        if not reason or "\n" in reason:
            _bad(name, "not_available", "{} for {}".format(repr(reason), key), "a reason of one line")

def variant_release(
        name,
        binary,
        variants,
        platforms = {},
        files = {},
        not_available = {},
        url_template = "https://example.invalid/{artifact}/{version}/{archive}",
        **kwargs):
    """Builds a program once for each variant and platform, and writes the lock that `variants.artifact` takes.

    Each build has its own `//rules:cuda`, `//rules:cublas`, `//rules:cudnn` and `//rules:cuda_archs`, so that `select` on
    `@rules_inference//rules:is_cuda` decides what is in it. What the lock says is read from the archives; an archive that is
    not what its variant names is an error. `bazel run :NAME -- DIRECTORY` copies the release out of the build.

    Args:
      name: name of the target; the lock is `NAME.variants.lock.json`.
      binary: label of the program, such as a `cc_binary`.
      variants: names, or `variant()`. `cpu`; `cuda-sm86`, `cuda-cudnn-sm90`: words with `-` between. `sm90` means `sm_90a`,
        `ptx90` means `compute_90`; `cuda` without a number has the architectures of `//rules:cuda_archs`.
      platforms: name, such as `linux-aarch64` -> label of a `platform`. Or a list of labels that end in such a name, with `_`
        or `-` after the first word. Default: the platform that is built for.
      files: label -> path in the archives; a path that ends in `/` is a directory.
      not_available: name of a variant, or `NAME@PLATFORM` -> why it is not built. It is a row of the lock all the same.
        Whatever else is named here is built, or the release fails.
      url_template: where the archives will be, with `{artifact}`, `{version}`, `{variant}`, `{platform}`, `{os}`, `{cpu}` and
        `{archive}`, the name of the file. The default is an address that nobody has; `bazel run` takes another one.
      **kwargs: `artifact` (default: the name of the program), `version`, `version_key` (a key of the stable workspace status,
        such as `BUILD_EMBED_LABEL`; its value goes before `version`), `format` (`tar.gz`, `tar.zst`), `prefix` (directory in
        the archives, default none), `libraries` (`include`: shared libraries of the runfiles are in the archives; `declare`:
        the lock names them), `cuda_version` (toolkit of code that does not tell its own), and common attributes.
    """
    structs = [parse_variant(item) if type(item) == "string" else item for item in variants]
    names = [item.name for item in structs]
    twice = [item for i, item in enumerate(names) if item in names[:i]]
    if twice:
        _bad(name, "variants", "{} twice".format(twice[0]), "each name once")
    named = platforms if type(platforms) == "dict" else {_platform_name(label): label for label in platforms}
    _check_not_available(name, not_available, names, named.keys())
    if not [b for b in builds(names, named.keys(), not_available) if not b.reason]:
        _bad(name, "not_available", "everything", "a variant that is built")
    _variant_release(
        name = name,
        binary = binary,
        file_paths = files.values(),
        files = files.keys(),
        not_available = not_available,
        platform_names = named.keys(),
        platforms = named.values(),
        url_template = url_template,
        variants = [json.encode(item) for item in structs],
        **kwargs
    )
