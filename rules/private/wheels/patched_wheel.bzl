"""`patched_wheel`: a wheel with patches, without some files, or with others."""

load("//rules/private/providers:wheel_info.bzl", "WheelInfo")
load(":wheel_input.bzl", "wheel_file_of", "wheel_info")
load(":wheel_rewrite.bzl", "WHEEL_TOOLCHAIN_TYPE", "rewrite_wheel")

visibility(["//rules"])

def _replacements(ctx):
    found = {}
    for target, path in ctx.attr.files.items():
        files = target[DefaultInfo].files.to_list()
        if len(files) != 1:
            fail("{}: files: got {}, which has {} files, for '{}'; expected one".format(ctx.label, target.label, len(files), path))
        if path in found:
            fail("{}: files: got '{}' a second time; expected each path once".format(ctx.label, path))
        found[path] = files[0]
    return found

def _patched_wheel_impl(ctx):
    if not ctx.files.patches and not ctx.attr.excludes and not ctx.attr.files:
        fail("{}: got neither patches nor excludes nor files; expected what is to be changed".format(ctx.label))
    if ctx.attr.patch_strip < 0:
        fail("{}: patch_strip: got {}; expected 0 or more".format(ctx.label, ctx.attr.patch_strip))
    wheel = wheel_file_of(ctx.label, ctx.attr.wheel, ctx.files.wheel)

    # The name of the file is part of the wheel, so it keeps it, in a directory of its own.
    output = ctx.actions.declare_file(ctx.label.name + "/" + wheel.basename)
    rewrite_wheel(
        ctx,
        wheel = wheel,
        output = output,
        mnemonic = "WheelPatch",
        progress_message = "Patching %{input}",
        patches = ctx.files.patches,
        strip = ctx.attr.patch_strip,
        replacements = _replacements(ctx),
        settings = {"allowCaseCollisions": ctx.attr.allow_case_collisions, "exclude": ctx.attr.excludes},
    )
    return [
        DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output])),
        # A patch does not make a heavy wheel a light one, so the old size is what layers are planned with.
        wheel_info(ctx.label, wheel.basename, output, ctx.attr.wheel[WheelInfo].size if WheelInfo in ctx.attr.wheel else 0),
    ]

patched_wheel = rule(
    implementation = _patched_wheel_impl,
    doc = """Makes another wheel of a wheel, in an action: a `.whl` file of the same name, for everything that takes a wheel.

Members that are not changed keep their compressed bytes; RECORD is corrected. Patches apply exactly or not at all: no fuzz,
no offsets (docs/wheels.md). With `wheels.lock(overrides)` a hub uses the patched wheel everywhere.""",
    attrs = {
        "allow_case_collisions": attr.bool(
            doc = "Accept files whose names differ by case, or by the encoding of accents, only. Default: such a wheel is refused.",
        ),
        "excludes": attr.string_list(
            doc = "Files to leave out, by their name in the wheel: `*` and `?` stand for characters other than `/`, `**` for any. " +
                  "This comes first. Default: none.",
        ),
        "files": attr.label_keyed_string_dict(
            allow_files = True,
            doc = "File -> its name in the wheel: replaces that one, or is added. This comes after `excludes`. Default: none.",
        ),
        "patch_strip": attr.int(
            default = 1,
            doc = "How many leading components the paths in the patches lose. Default: 1, as git and `diff -u a b` want it.",
        ),
        "patches": attr.label_list(
            allow_files = [".diff", ".patch"],
            doc = "Unified diffs of text, applied in this order, at last. Default: none.",
        ),
        "wheel": attr.label(
            allow_files = [".whl"],
            doc = "A wheel target, such as `@wheels//torch:pinned`, or a `.whl` file.",
            mandatory = True,
        ),
    },
    provides = [WheelInfo],
    toolchains = [WHEEL_TOOLCHAIN_TYPE],
)
