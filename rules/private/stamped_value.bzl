"""`stamped_value`: a key of the workspace status as a string of C++, where builds are stamped (`--stamp`)."""

visibility(["//plugins/base"])

def _stamped_value_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".inc")
    if not ctx.attr.tool:
        # Without a tool to build, and the same in each build.
        ctx.actions.write(output, '""\n')
    else:
        args = ctx.actions.args()
        args.add_all([ctx.info_file, ctx.attr.key, output])
        ctx.actions.run(
            executable = ctx.executable.tool,
            arguments = [args],
            inputs = [ctx.info_file],
            outputs = [output],
            mnemonic = "StampedValue",
            progress_message = "Stamping %{output}",
        )
    return [DefaultInfo(files = depset([output]))]

_stamped_value = rule(
    implementation = _stamped_value_impl,
    doc = "See the macro `stamped_value`.",
    attrs = {
        "key": attr.string(doc = "Key of the stable workspace status.", mandatory = True),
        "tool": attr.label(cfg = "exec", doc = "Writes the file of stamped builds; none: the build is not stamped.", executable = True),
    },
)

def stamped_value(name, key, tool, **kwargs):
    """Writes `NAME.inc`, a string literal to include: "" in builds that are not stamped, or whose status has no such key.

    The value is in this small file alone, so that another one compiles what includes it and links.

    Args:
      name: name of the target.
      key: key of the stable workspace status, such as `STABLE_GIT_COMMIT`.
      tool: label of the program that reads the status.
      **kwargs: common attributes.
    """
    _stamped_value(
        name = name,
        key = key,
        tool = select({
            Label("//rules/private/cc:stamped"): tool,
            "//conditions:default": None,
        }),
        **kwargs
    )
