"""`variant_launcher`: several variants of an artifact, and the choice among them on the machine that runs them."""

load("//rules/private:runfile.bzl", "rlocation")
load("//rules/private/providers:release_info.bzl", "ReleaseInfo")
load("//rules/private/providers:variant_info.bzl", "VariantInfo")
load("//rules/private/release:lock_action.bzl", "RELEASE_TOOLCHAIN_TYPE", "label_text")
load("//rules/private/release:shipped.bzl", "launcher_manifest_action", "tree_action")
load(":platforms.bzl", "PLATFORM_ATTRS", "target_platform")

visibility(["//rules/...", "//tests/launcher"])

def _without_defaults(fields):
    """A message as canonical JSON has it."""
    return {key: value for key, value in fields.items() if value}

def _bad(ctx, attribute, got, expected):
    fail("\nerror: variant_launcher: {}: {}: got {}, expected {}".format(ctx.label, attribute, got, expected))

def _check(ctx, infos):
    seen = {}
    for info in infos:
        if info.artifact != infos[0].artifact or info.version != infos[0].version:
            _bad(
                ctx,
                "variants",
                "{} {} beside {} {}".format(info.artifact, info.version, infos[0].artifact, infos[0].version),
                "variants of one artifact",
            )
        if (info.name, info.platform) in seen:
            _bad(ctx, "variants", "{} for {} twice".format(info.name, info.platform), "each one once")
        seen[(info.name, info.platform)] = True
    names = [info.name for info in infos]
    for name in ctx.attr.chain:
        if name not in names:
            _bad(ctx, "chain", repr(name), "one of the variants, " + ", ".join(names))
    program = ctx.attr.program
    if program and [part for part in program.split("/") if part in ["", ".", ".."]]:
        _bad(ctx, "program", repr(program), "a path inside the archive, such as \"bin/demo\"")

def _manifest(ctx, artifact, version, variants, directories, detector):
    """Returns a LauncherManifest (plugins/sdk/launcher.proto) as dict."""
    return _without_defaults({
        "chain": ctx.attr.chain,
        "detector": rlocation(ctx, detector) if detector else "",
        "devices": "ANY_DEVICE" if ctx.attr.devices == "any" else "",
        "directories": [rlocation(ctx, directory) for directory in directories],
        "lock": _without_defaults({
            "artifact": artifact,
            "lock_version": 1,
            "variants": variants,
            "version": version,
        }),
        "manifest_version": 1,
        "no_fallback": not ctx.attr.fallback,
        "program": ctx.attr.program,
    })

def _ship_artifact(ctx, manifest):
    """Ships variants of a hub, whose rows are known. Returns (directories, detector or None)."""
    infos = [variant[VariantInfo] for variant in ctx.attr.variants]
    _check(ctx, infos)
    directories = [info.directory for info in infos]

    # Rows that want nothing need nobody who asks the machine.
    detector = ctx.executable._detector if [info for info in infos if info.properties] else None
    rows = [
        _without_defaults({"name": info.name, "platform": info.platform, "properties": info.properties})
        for info in infos
    ]
    text = json.encode(_manifest(ctx, infos[0].artifact, infos[0].version, rows, directories, detector))
    ctx.actions.write(manifest, text + "\n")
    return directories, detector

def _ship_release(ctx, manifest):
    """Ships variants of a release, whose rows are read from archives that are yet to be made. Returns the same."""
    release = ctx.attr.release[ReleaseInfo]
    platform = target_platform(ctx)
    here = {row.name: row for row in release.rows if row.platform == platform}
    missing = [name for name in ctx.attr.release_variants if name not in here]
    if missing:
        _bad(ctx, "variants", repr(missing[0]), "one that {} has for {}: {}".format(
            label_text(ctx.attr.release.label),
            platform or "this platform",
            ", ".join(here) or "none",
        ))
    rows = [here[name] for name in ctx.attr.release_variants]
    _check(ctx, [
        struct(artifact = release.artifact, name = row.name, platform = row.platform, version = release.version)
        for row in rows
    ])
    directories = [tree_action(ctx, row) for row in rows]
    detector = ctx.executable._detector
    launcher_manifest_action(
        ctx,
        manifest = _manifest(ctx, release.artifact, release.version, [], directories, detector),
        output = manifest,
        rows = [row.row for row in rows],
    )
    return directories, detector

def _variant_launcher_impl(ctx):
    launcher = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = launcher, target_file = ctx.executable._launcher, is_executable = True)

    # The launcher looks for it beside itself, under its own name.
    manifest = ctx.actions.declare_file(ctx.label.name + ".variants.json")
    directories, detector = (_ship_release if ctx.attr.release else _ship_artifact)(ctx, manifest)

    runfiles = ctx.runfiles([manifest] + directories + ([detector] if detector else []))
    if detector:
        runfiles = runfiles.merge(ctx.attr._detector[DefaultInfo].default_runfiles)
    return [DefaultInfo(
        executable = launcher,
        files = depset([launcher, manifest]),
        runfiles = runfiles.merge(ctx.attr._launcher[DefaultInfo].default_runfiles),
    )]

_variant_launcher = rule(
    implementation = _variant_launcher_impl,
    doc = "See the macro `variant_launcher`.",
    attrs = {
        "chain": attr.string_list(doc = "Names in the order in which they are tried; default: what fits the machine best."),
        "devices": attr.string(
            default = "all",
            doc = "`all` (default): every device of the machine must run a variant; `any`: one is enough.",
            values = ["all", "any"],
        ),
        "fallback": attr.bool(default = True, doc = "False: only the first of the chain, or the request. Default: true."),
        "program": attr.string(doc = "Path in the archives; default: each archive is one file, which is the program."),
        "release": attr.label(doc = "A release, in place of `variants`.", providers = [ReleaseInfo]),
        "release_variants": attr.string_list(doc = "Its variants to ship, in the same order."),
        "variants": attr.label_list(
            doc = "The variants to ship, the preferred one first among those that are equally good.",
            providers = [VariantInfo],
        ),
        "_detector": attr.label(
            # Both run where the variants run.
            cfg = "target",
            default = "//toolchains/plugins:detector",
            doc = "Asks the machine.",
            executable = True,
        ),
        "_launcher": attr.label(
            cfg = "target",
            default = "//toolchains/plugins:launcher",
            doc = "Chooses and starts.",
            executable = True,
        ),
    } | PLATFORM_ATTRS,
    executable = True,
    toolchains = [RELEASE_TOOLCHAIN_TYPE],
)

def variant_label(artifact, variant):
    """Names a variant of a hub.

    Args:
      artifact: `@super_stt`, `@super_stt//`, `@super_stt//:artifact`, or the Label of one.
      variant: its name, such as `cuda-sm86`.

    Returns:
      `@super_stt//:cuda-sm86`.
    """
    repository, slashes, rest = str(artifact).partition("//")
    if not slashes and not repository.startswith("@"):
        fail("\nerror: variant_launcher: artifact: got {}, expected a hub, such as \"@super_stt\"".format(repr(artifact)))
    return "{}//{}:{}".format(repository, rest.partition(":")[0], variant)

def variant_launcher(name, variants, artifact = None, release = None, program = "", **kwargs):
    """A program that ships several variants of an artifact and starts the best one that the real machine can run.

    The machine is asked at start-up, as `inferctl detect` does; `INFERENCE_VARIANT=NAME` asks for another variant (with
    fallback; `require:NAME` without), `INFERENCE_HOST=FILE` gives a host descriptor to believe, `INFERENCE_EXPLAIN=1` prints
    why. What the machine cannot run is never started. A fallback is one line on standard error. The program gets arguments,
    environment and streams as they are, and its exit code is the launcher's.

    `file_layer(srcs = [":NAME"], include_runfiles = True)` puts it into an image.

    Args:
      name: name of the target.
      artifact: the hub, `"@super_stt"`; a label in it does as well.
      release: in place of `artifact`, a `variant_release`: its variants are built and shipped, with no lock in between.
      variants: names of the variants to ship, such as `["cuda-sm86", "cpu"]`.
      program: path of the program in the archives, such as `"bin/super-stt"`; default: each archive is one file. Bazel
        makes every file of an output directory executable, so a program cannot be told from other files.
      **kwargs: `chain`, `devices`, `fallback` (see the attributes of the hub), `args`, `visibility`, `tags` and other common
        attributes of executables.
    """
    if not variants or (artifact == None) == (release == None):
        fail("\nerror: variant_launcher: {}: got {}, expected variants, and artifact or release".format(
            name,
            "no variants" if not variants else "neither" if artifact == None else "both",
        ))
    if release == None:
        shipped = {"variants": [variant_label(artifact, variant) for variant in variants]}
    else:
        shipped = {"release": release, "release_variants": variants}
    _variant_launcher(name = name, program = program, **(shipped | kwargs))
