"""The programs of a toolchain: `clang` and the like, as a compiler for one target that knows where its own headers are.

Zig's clang is `zig clang`, so each program has to put an argument in front of those that it gets. The rest of what makes it a
cross compiler is said here too, so that whatever calls it by its name, such as nvcc, gets the same.

Paths are relative to where the program itself is called from: what the compiler writes into files then depends on
no folder of the machine.
"""

load(":pins.bzl", "TARGETS")

visibility(["//rules/private/hermetic_cc"])

# What Zig compiles libc++ with, and its headers have to see again: it ships no __config_site.
_LIBCXX = [
    "_LIBCPP_ABI_NAMESPACE=__1",
    "_LIBCPP_ABI_VERSION=1",
    "_LIBCPP_ENABLE_CXX17_REMOVED_UNEXPECTED_FUNCTIONS",
    "_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_NONE",
    "_LIBCPP_HAS_FILESYSTEM=1",
    "_LIBCPP_HAS_LOCALIZATION",
    "_LIBCPP_HAS_MONOTONIC_CLOCK",
    "_LIBCPP_HAS_MUSL_LIBC=0",
    "_LIBCPP_HAS_NO_STD_MODULES",
    "_LIBCPP_HAS_RANDOM_DEVICE",
    "_LIBCPP_HAS_TERMINAL",
    "_LIBCPP_HAS_THREADS=1",
    "_LIBCPP_HAS_TIME_ZONE_DATABASE",
    "_LIBCPP_HAS_UNICODE",
    "_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=0",
    "_LIBCPP_HAS_WIDE_CHARACTERS",
    "_LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS",
    "_LIBCPP_PSTL_BACKEND_SERIAL",
    "_LIBCXXABI_DISABLE_VISIBILITY_ANNOTATIONS",
]

# buildifier: disable=external-path
_HEAD = """\
#!/bin/sh
# Called as .../external/THIS_REPOSITORY/from_CPU/bin/NAME.
zig=${{0%/*/*/*/*}}/{repository}/ziglang
"""

_UNSUPPORTED = """\
#!/bin/sh
echo "error: hermetic_cc: {name}: got a call, expected none: this toolchain has no such program" >&2
echo "hint: {hint}" >&2
exit 1
"""

_HINTS = {
    "gcov": "collect coverage with the host's compiler",
    "nm": "use the host's nm",
    "objcopy": "use the host's objcopy",
    "objdump": "use the host's objdump",
    "strip": "--strip=always leaves debug information out when it links",
}

_LLVM = {
    "ar": "ar",
    "clang": "clang",
    "clang++": "clang --driver-mode=g++",
    "ld.lld": "ld.lld",
}

WRAPPERS = sorted(_LLVM.keys() + _HINTS.keys())

def _compiler_flags(cpu, glibc):
    flags = ["--no-default-config", "--target={}-linux-gnu".format(cpu), "-no-canonical-prefixes"]

    # The C library's headers are of the newest version; this macro hides what later ones have.
    flags.append("-D__GLIBC_MINOR__=" + glibc.partition(".")[2])
    flags += ["-resource-dir", "\"$zig/lib\"", "-nostdlibinc"]
    for folder in ["libcxx", "libcxxabi"]:
        flags += ["-stdlib++-isystem", "\"$zig/lib/{}/include\"".format(folder)]

    # After all others, as a system's headers are: a library's own `features.h` wins.
    for folder in TARGETS[cpu].headers:
        flags += ["-idirafter", "\"$zig/lib/libc/include/{}\"".format(folder)]
    return flags + ["-D" + name for name in _LIBCXX]

def wrapper(name, cpu, glibc, repository):
    """Writes a program.

    Args:
      name: one of WRAPPERS.
      cpu: CPU that is compiled for.
      glibc: version, such as "2.28".
      repository: name of the compiler's repository, as its folder has it.

    Returns:
      the text.
    """
    if name in _HINTS:
        return _UNSUPPORTED.format(name = name, hint = _HINTS[name])
    command = ["exec", "\"$zig/zig\"", _LLVM[name]]
    if name.startswith("clang"):
        command += _compiler_flags(cpu, glibc)
    return _HEAD.format(repository = repository) + " ".join(command + ["\"$@\""]) + "\n"
