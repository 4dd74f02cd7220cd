"""`cc_proto`: C++ code of .proto files.

One action on `protoc` and a cc_library. The proto rules of Bazel, rules_proto and protobuf moved between the versions that
this project supports; the command line of protoc and the label of the runtime did not.
"""

load("@bazel_skylib//lib:paths.bzl", "paths")
load("@rules_cc//cc:cc_library.bzl", "cc_library")

visibility(["//..."])

_ProtoSourcesInfo = provider(
    doc = "Proto files of a cc_proto target.",
    fields = {"sources": "depset of Files: its .proto files and those of its deps"},
)

def _gen_impl(ctx):
    outs = []
    for src in ctx.files.srcs:
        base = paths.replace_extension(src.basename, "")
        outs.append(ctx.actions.declare_file(base + ".pb.h"))
        outs.append(ctx.actions.declare_file(base + ".pb.cc"))
    sources = depset(ctx.files.srcs, transitive = [dep[_ProtoSourcesInfo].sources for dep in ctx.attr.deps])

    # Imports are written from the root of the repository, also where this one is external.
    root = ctx.label.workspace_root or "."
    out_root = "/".join([part for part in [ctx.bin_dir.path, ctx.label.workspace_root] if part])
    args = ctx.actions.args()
    args.add("--proto_path=" + root)
    args.add("--cpp_out=" + out_root)
    args.add_all(ctx.files.srcs)
    ctx.actions.run(
        executable = ctx.executable._protoc,
        arguments = [args],
        inputs = sources,
        outputs = outs,
        mnemonic = "GenProtoCc",
        progress_message = "Generating C++ of %{label}",
    )
    headers = [out for out in outs if out.extension == "h"]
    return [
        DefaultInfo(files = depset(outs)),
        OutputGroupInfo(hdrs = depset(headers), srcs = depset([out for out in outs if out.extension == "cc"])),
        _ProtoSourcesInfo(sources = sources),
    ]

_gen = rule(
    implementation = _gen_impl,
    doc = "Runs protoc on .proto files.",
    attrs = {
        "deps": attr.label_list(providers = [_ProtoSourcesInfo], doc = "Targets of this rule whose files are imported."),
        "srcs": attr.label_list(allow_files = [".proto"], mandatory = True, doc = "The .proto files, of this package."),
        "_protoc": attr.label(default = "@com_google_protobuf//:protoc", executable = True, cfg = "exec"),
    },
)

def cc_proto(name, srcs, deps = [], **kwargs):
    """Generates and compiles the C++ code of .proto files.

    Args:
      name: Name of the cc_library; `NAME_gen` is the target of the generated files.
      srcs: .proto files of this package. `plugins/sdk/x.proto` becomes the header "plugins/sdk/x.pb.h".
      deps: Other cc_proto targets whose files are imported.
      **kwargs: visibility, testonly, tags.
    """
    _gen(name = name + "_gen", srcs = srcs, deps = [dep + "_gen" if ":" in dep else dep + ":" + dep.split("/")[-1] + "_gen" for dep in deps], **kwargs)
    for group in ["hdrs", "srcs"]:
        _filegroup(name = "{}_{}".format(name, group), gen = name + "_gen", group = group, **kwargs)
    cc_library(
        name = name,
        srcs = [":{}_srcs".format(name)],
        hdrs = [":{}_hdrs".format(name)],
        copts = ["-w"],
        # The label of this repository: outside modules need no dependency of their own on protobuf.
        deps = deps + [Label("@com_google_protobuf//:protobuf")],
        **kwargs
    )

def _filegroup_impl(ctx):
    return [DefaultInfo(files = ctx.attr.gen[OutputGroupInfo][ctx.attr.group])]

_filegroup = rule(
    implementation = _filegroup_impl,
    doc = "The files of one output group of a target.",
    attrs = {
        "gen": attr.label(mandatory = True, doc = "The target."),
        "group": attr.string(mandatory = True, doc = "The output group."),
    },
)
