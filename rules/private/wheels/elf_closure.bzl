"""`elf_closure_test`: every library that the native code of some wheels needs is there."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load(":trees_input.bzl", "TREE_PROVIDERS", "trees_of")

visibility(["//rules/..."])

def _elf_closure_test_impl(ctx):
    layouts = [info.layout for info in trees_of(ctx.attr.wheels)]
    script = ctx.actions.declare_file(ctx.label.name)
    arguments = [ctx.executable._tool.short_path] + (["--strict"] if ctx.attr.strict else []) + [
        "--system=" + name
        for name in ctx.attr.system
    ] + [layout.short_path for layout in layouts]
    ctx.actions.write(
        script,
        "#!/bin/sh\nexec {}\n".format(" ".join([shell.quote(argument) for argument in arguments])),
        is_executable = True,
    )
    runfiles = ctx.runfiles(layouts).merge(ctx.attr._tool[DefaultInfo].default_runfiles)
    return [DefaultInfo(executable = script, runfiles = runfiles)]

elf_closure_test = rule(
    implementation = _elf_closure_test_impl,
    doc = """Fails when a native library of the wheels needs one that is neither in them nor on the system.

The system has its libc, libgcc_s and libstdc++, and what `system` names.""",
    attrs = {
        "strict": attr.bool(doc = "True: RPATH or RUNPATH has to lead to it; default: a library anywhere in the wheels does."),
        "system": attr.string_list(doc = "Sonames that the machine has, such as `libcuda.so.1`; a `*` at the end stands for anything."),
        "wheels": attr.label_list(mandatory = True, providers = TREE_PROVIDERS, doc = "Trees: `@wheels//numpy:tree`, `@wheels//torch:trees`."),
        "_tool": attr.label(cfg = "target", default = "//toolchains/plugins:elf_closure", executable = True),
    },
    test = True,
)
