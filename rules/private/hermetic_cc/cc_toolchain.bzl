"""`hermetic_cc_toolchain`: a cc_toolchain of the programs beside it."""

load("@rules_cc//cc/toolchains:cc_toolchain.bzl", "cc_toolchain")
load(":config.bzl", "hermetic_cc_config")

# Generated repositories load this.
visibility("public")

def hermetic_cc_toolchain(name, cpu, glibc, headers, lib, zig):
    """Declares the toolchain of the package, whose folder `bin` has its programs.

    Args:
      name: name of the cc_toolchain.
      cpu: CPU that is compiled for.
      glibc: oldest version of glibc that programs start with.
      headers: headers of the target.
      lib: what programs are linked with.
      zig: the compiler.
    """
    hermetic_cc_config(
        name = name + "_config",
        cpu = cpu,
        glibc = glibc,
        lib = lib,
        zig = zig,
    )
    for part, srcs in {
        "ar": ["bin/ar", zig],
        "compiler": ["bin/clang", "bin/clang++", headers, zig],
        "linker": ["bin/ar", "bin/clang", "bin/clang++", "bin/ld.lld", lib, zig],
        "others": native.glob(["bin/*"]),
    }.items():
        native.filegroup(name = part, srcs = srcs, visibility = ["//visibility:public"])
    native.filegroup(name = "all", srcs = [":compiler", ":linker", ":others"], visibility = ["//visibility:public"])
    cc_toolchain(
        name = name,
        all_files = ":all",
        ar_files = ":ar",
        as_files = ":compiler",
        compiler_files = ":compiler",
        dwp_files = ":others",
        linker_files = ":linker",
        objcopy_files = ":others",
        strip_files = ":others",
        supports_param_files = True,
        toolchain_config = ":{}_config".format(name),
        visibility = ["//visibility:public"],
    )
