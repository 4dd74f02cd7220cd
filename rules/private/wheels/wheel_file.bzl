"""The file of a wheel, with what is known about it."""

load("//rules/private/providers:wheel_info.bzl", "WheelInfo")

# BUILD files of wheel repositories load this.
visibility("public")

def _size(ctx):
    text = ctx.attr.bytes
    if text and (not text.isdigit() or len(text) > 18):
        fail("{}: bytes: got {}, expected a number of bytes".format(ctx.label, repr(text)))
    return int(text) if text else 0

def _wheel_file_impl(ctx):
    file = ctx.file.src
    return [
        DefaultInfo(files = depset([file]), runfiles = ctx.runfiles([file])),
        WheelInfo(whl = file, name = ctx.attr.package, version = ctx.attr.version, size = _size(ctx)),
    ]

wheel_file = rule(
    implementation = _wheel_file_impl,
    doc = "Declares a `.whl` file as a wheel, so that it can be named in `wheels` and `deps`.",
    attrs = {
        "src": attr.label(doc = "The `.whl` file.", allow_single_file = [".whl"], mandatory = True),
        "package": attr.string(doc = "Name of the distribution.", mandatory = True),
        # Bazel takes an attribute `size` for that of tests.
        "bytes": attr.string(
            doc = "Size of the file in bytes, in decimal; a text, as numbers of BUILD files end at 2 GiB. Tells heavy wheels. Default: not known.",
        ),
        "version": attr.string(doc = "Its version.", mandatory = True),
    },
    provides = [WheelInfo],
)
