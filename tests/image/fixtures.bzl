"""Targets with everything that a layer can hold, in small."""

visibility("//tests/...")

def _tree_impl(ctx):
    tree = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run(
        executable = ctx.executable._make_tree,
        arguments = [tree.path],
        outputs = [tree],
        mnemonic = "MakeTree",
    )
    return [DefaultInfo(files = depset([tree]))]

tree = rule(
    implementation = _tree_impl,
    doc = "A tree artifact with a link in it.",
    attrs = {"_make_tree": attr.label(default = ":make_tree", executable = True, cfg = "exec", doc = "Writes the tree.")},
)

def _link_impl(ctx):
    link = ctx.actions.declare_symlink(ctx.label.name)
    ctx.actions.symlink(output = link, target_path = ctx.attr.target)
    return [DefaultInfo(files = depset([link]))]

link = rule(
    implementation = _link_impl,
    doc = "A symbolic link as an output.",
    attrs = {"target": attr.string(doc = "Where it leads.", mandatory = True)},
)

def _program_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(program, "#!/bin/sh\necho program\n", is_executable = True)
    data = ctx.file.data
    runfiles = ctx.runfiles(
        files = ctx.files.trees + [program, data],
        root_symlinks = {"root_link.txt": data},
        symlinks = {"links/data.txt": data},
    )
    return [DefaultInfo(executable = program, files = depset([program]), runfiles = runfiles)]

program = rule(
    implementation = _program_impl,
    doc = "An executable with every kind of runfile.",
    attrs = {
        "data": attr.label(allow_single_file = True, doc = "A data file.", mandatory = True),
        "trees": attr.label_list(doc = "Targets of `tree`."),
    },
    executable = True,
)
