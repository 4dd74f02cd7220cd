"""`hermetic_cc_config`: how the programs of a hermetic toolchain are called.

What makes them cross compilers is in the programs themselves (wrappers.bzl); Bazel's own features say the rest, such as
how a source and its output are named. Here is what those do not say.
"""

load("@rules_cc//cc:action_names.bzl", "ACTION_NAMES", "ALL_CC_COMPILE_ACTION_NAMES", "ALL_CC_LINK_ACTION_NAMES", "ALL_CPP_COMPILE_ACTION_NAMES")
load(
    "@rules_cc//cc:cc_toolchain_config_lib.bzl",
    "feature",
    "flag_group",
    "flag_set",
    "tool_path",
    "with_feature_set",
)
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/toolchains:cc_toolchain_config_info.bzl", "CcToolchainConfigInfo")
load(":pins.bzl", "TARGETS")

visibility(["//rules/private/hermetic_cc"])

_TOOLS = {
    "ar": "bin/ar",
    "cpp": "bin/clang",
    "dwp": "bin/objcopy",
    # Bazel compiles C and C++ by one program, which tells them apart by their names.
    "gcc": "bin/clang",
    "gcov": "bin/gcov",
    "ld": "bin/ld.lld",
    "nm": "bin/nm",
    "objcopy": "bin/objcopy",
    "objdump": "bin/objdump",
    "strip": "bin/strip",
}

_COMPILE = [
    # No folder of the machine in debug information, no day in any file.
    "-ffile-compilation-dir=.",
    "-Wno-builtin-macro-redefined",
    "-D__DATE__=\"redacted\"",
    "-D__TIMESTAMP__=\"redacted\"",
    "-D__TIME__=\"redacted\"",
    "-fstack-protector",
    # CUDA's headers refuse libc++, for what they do with C++ in .cu files; these go to another compiler. In other files they
    # declare functions of C.
    "-D_ALLOW_UNSUPPORTED_LIBCPP",
    "-fcolor-diagnostics",
    # The flags of programs and of headers are in each command; not all are for each kind of source.
    "-Wno-unused-command-line-argument",
]
_MODES = {
    "dbg": ["-g"],
    "fastbuild": [],
    "opt": ["-g0", "-O2", "-DNDEBUG", "-ffunction-sections", "-fdata-sections"],
}

# Archives may precede what needs them: lld remembers what they have. Of the C library's parts a program needs those that it uses.
_LIBRARIES = ["-lc++", "-lc++abi", "-lunwind", "-Wl,--push-state,--as-needed"] + [
    "-l" + name
    for name in ["m", "pthread", "c", "dl", "rt", "ld"]
] + ["-Wl,--pop-state", "-lc_nonshared", "-lcompiler_rt"]

def _flags(name, actions, flags, modes = {}):
    """A feature that is always on; `modes` has more flags for a compilation mode."""
    sets = [flag_set(actions = actions, flag_groups = [flag_group(flags = flags)])]
    sets += [
        flag_set(actions = actions, flag_groups = [flag_group(flags = own)], with_features = [with_feature_set(features = [mode])])
        for mode, own in modes.items()
        if own
    ]
    return feature(name = name, enabled = True, flag_sets = sets)

def _pic():
    group = flag_group(flags = ["-fPIC"], expand_if_available = "pic")
    return feature(name = "pic", enabled = True, flag_sets = [flag_set(actions = ALL_CC_COMPILE_ACTION_NAMES, flag_groups = [group])])

def _external_include_paths():
    """Off until it is asked for: headers of other repositories are system headers."""
    variable = "external_include_paths"
    group = flag_group(flags = ["-isystem", "%{external_include_paths}"], iterate_over = variable, expand_if_available = variable)
    return feature(name = variable, flag_sets = [flag_set(actions = ALL_CC_COMPILE_ACTION_NAMES, flag_groups = [group])])

def _features(lib, bin):
    return [
        feature(name = "supports_dynamic_linker", enabled = True),
        feature(name = "supports_pic", enabled = True),
        feature(name = "supports_start_end_lib", enabled = True),
        feature(name = "gcc_quoting_for_param_files", enabled = True),
        feature(name = "dbg"),
        feature(name = "fastbuild"),
        feature(name = "opt"),
        _flags("hermetic_compile_flags", ALL_CC_COMPILE_ACTION_NAMES, _COMPILE, modes = _MODES),
        _flags("hermetic_cxx_flags", ALL_CPP_COMPILE_ACTION_NAMES, ["-std=c++20"]),
        _pic(),
        _external_include_paths(),
        _flags(
            "hermetic_link_flags",
            ALL_CC_LINK_ACTION_NAMES,
            ["-nostdlib", "--ld-path={}/ld.lld".format(bin), "-L" + lib] + _LIBRARIES +
            # A checksum of the output, where the default is a mode of the distribution.
            ["-Wl,--build-id=sha1", "-Wl,-z,relro,-z,now", "-Wno-unused-command-line-argument"],
            modes = {"opt": ["-Wl,--gc-sections"]},
        ),
        _flags("hermetic_start_files", [ACTION_NAMES.cpp_link_executable], [lib + "/Scrt1.o"]),
    ]

def _hermetic_cc_config_impl(ctx):
    package = ctx.label.workspace_root + "/" + ctx.label.package
    zig = ctx.attr.zig.label
    headers = "%workspace%/{}/ziglang/lib/".format(zig.workspace_root)
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        features = _features(ctx.attr.lib.label.workspace_root + "/lib", package + "/bin"),
        cxx_builtin_include_directories = [
            headers + folder
            for folder in ["include", "libcxx/include", "libcxxabi/include"] +
                          ["libc/include/" + name for name in TARGETS[ctx.attr.cpu].headers]
        ],
        toolchain_identifier = "hermetic_linux_{}_glibc_{}".format(ctx.attr.cpu, ctx.attr.glibc),
        target_system_name = ctx.attr.cpu + "-linux-gnu",
        target_cpu = ctx.attr.cpu,
        target_libc = "glibc_" + ctx.attr.glibc,
        compiler = "clang",
        abi_version = "clang",
        abi_libc_version = "glibc_" + ctx.attr.glibc,
        tool_paths = [tool_path(name = name, path = path) for name, path in _TOOLS.items()],
    )

hermetic_cc_config = rule(
    implementation = _hermetic_cc_config_impl,
    doc = "The features of a hermetic toolchain.",
    attrs = {
        "cpu": attr.string(doc = "CPU that is compiled for.", mandatory = True),
        "glibc": attr.string(doc = "Oldest version of glibc that programs start with.", mandatory = True),
        "lib": attr.label(doc = "What programs are linked with.", mandatory = True),
        "zig": attr.label(allow_single_file = True, doc = "The compiler.", mandatory = True),
    },
    provides = [CcToolchainConfigInfo],
)
