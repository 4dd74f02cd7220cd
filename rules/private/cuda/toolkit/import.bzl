"""Prebuilt libraries of the toolkit for C++ rules."""

load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain", "use_cc_toolchain")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

# Component repositories load this.
visibility("public")

# The libraries look for each other beside themselves ($ORIGIN), so those of all components are in one folder of a program.
_FOLDER = "cuda"

# A library that others open when they run has to be where they look for it, and must not be a DT_NEEDED of the program. The
# linker is shown this text instead of it: to GNU ld, gold and lld a text is a script, and this one names no input. Of the names
# that Bazel allows for it, zig takes `.tbd`.
_NOTHING = "/* opened at run time */\n"

def _shared(ctx, toolchain, features, file, interface = None):
    return cc_common.create_library_to_link(
        actions = ctx.actions,
        cc_toolchain = toolchain,
        feature_configuration = features,
        dynamic_library = file,
        dynamic_library_symlink_path = "{}/{}".format(_FOLDER, file.basename),
        interface_library = interface,
        # Of one folder is one entry in the program's path of libraries.
        interface_library_symlink_path = "{}/{}".format(_FOLDER, interface.basename) if interface else "",
    )

def _loaded(ctx, toolchain, features, file):
    script = ctx.actions.declare_file("{}.opened/{}.tbd".format(ctx.label.name, file.basename.partition(".so")[0]))
    ctx.actions.write(script, _NOTHING)
    return _shared(ctx, toolchain, features, file, script)

def _libraries(ctx):
    toolchain = find_cc_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    libraries = [_shared(ctx, toolchain, features, file) for file in ctx.files.shared_libraries]
    libraries += [_loaded(ctx, toolchain, features, file) for file in ctx.files.loaded_libraries]
    libraries += [
        cc_common.create_library_to_link(
            actions = ctx.actions,
            cc_toolchain = toolchain,
            feature_configuration = features,
            static_library = file,
            pic_static_library = file,
        )
        for file in ctx.files.static_libraries
    ]
    if ctx.file.interface_library:
        libraries.append(cc_common.create_library_to_link(
            actions = ctx.actions,
            cc_toolchain = toolchain,
            feature_configuration = features,
            interface_library = ctx.file.interface_library,
        ))
    return libraries

def _cuda_import_impl(ctx):
    root = ctx.label.workspace_root
    own = CcInfo(
        compilation_context = cc_common.create_compilation_context(
            headers = depset(ctx.files.hdrs),
            system_includes = depset(["{}/{}".format(root, path) for path in ctx.attr.includes]),
        ),
        linking_context = cc_common.create_linking_context(linker_inputs = depset([cc_common.create_linker_input(
            owner = ctx.label,
            libraries = depset(_libraries(ctx)),
            user_link_flags = ctx.attr.linkopts,
        )])),
    )
    shared = ctx.files.shared_libraries + ctx.files.loaded_libraries
    return [
        DefaultInfo(
            files = depset(shared + ctx.files.static_libraries + ctx.files.interface_library),
            runfiles = ctx.runfiles(shared).merge_all([dep[DefaultInfo].default_runfiles for dep in ctx.attr.deps]),
        ),
        cc_common.merge_cc_infos(direct_cc_infos = [own], cc_infos = [dep[CcInfo] for dep in ctx.attr.deps]),
    ]

cuda_import = rule(
    implementation = _cuda_import_impl,
    doc = "Prebuilt libraries with their headers.",
    attrs = {
        "deps": attr.label_list(providers = [CcInfo], doc = "Libraries that these need. Default: none."),
        "hdrs": attr.label_list(allow_files = True, doc = "Headers. Default: none."),
        "includes": attr.string_list(doc = "Directories of the headers, in the repository. Default: none."),
        "interface_library": attr.label(
            allow_single_file = True,
            doc = "What the linker sees of a library that the machine has. Default: none.",
        ),
        "linkopts": attr.string_list(doc = "Flags for whoever links these. Default: none."),
        "loaded_libraries": attr.label_list(
            allow_files = True,
            doc = "Shared libraries that are opened at run time: there when the program runs, unknown to the linker. Default: none.",
        ),
        "shared_libraries": attr.label_list(allow_files = True, doc = "Shared libraries, `libX.so.N`. Default: none."),
        "static_libraries": attr.label_list(allow_files = [".a"], doc = "Archives. Default: none."),
    },
    fragments = ["cpp"],
    provides = [CcInfo],
    toolchains = use_cc_toolchain(),
)
