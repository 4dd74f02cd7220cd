"""All repositories of a hermetic C++ toolchain, for the module extension and for WORKSPACE files."""

load("//rules/private/wheels:errors.bzl", "error_text")
load(":hub_repository.bzl", "hub_repository")
load(":pins.bzl", "DEFAULT_GLIBC", "TARGETS", "ZIG_WHEELS", "glibc_error")
load(":target_repository.bzl", "target_repository")
load(":zig_repository.bzl", "zig_repository")

visibility(["//rules", "//rules/private/hermetic_cc"])

def declare_hermetic_cc(name, glibc):
    """Declares the repositories; none but the hub is fetched before a build uses its toolchain.

    Args:
      name: name of the hub, and how the others begin.
      glibc: oldest version of glibc that programs start with.
    """
    error = glibc_error(glibc)
    if error:
        fail("\n" + error_text("hermetic_cc", name, error[0], error[1]))
    zigs = {cpu: "@{}_zig_{}//:ziglang/zig".format(name, cpu) for cpu in ZIG_WHEELS}
    for cpu in ZIG_WHEELS:
        zig_repository(name = "{}_zig_{}".format(name, cpu), cpu = cpu)
    for cpu in TARGETS:
        target_repository(name = "{}_linux_{}".format(name, cpu), cpu = cpu, glibc = glibc, zigs = zigs)
    hub_repository(name = name, hub = name)

def hermetic_cc_toolchain(name = "hermetic_cc", glibc = DEFAULT_GLIBC):
    """Declares a hermetic C++ toolchain in a WORKSPACE file, and registers it for platforms with `//toolchains/cc:hermetic_cc`.

    Args:
      name: name of the repository.
      glibc: oldest version of glibc that programs start with.
    """
    declare_hermetic_cc(name, glibc)
    native.register_toolchains("@{}//:all".format(name))
