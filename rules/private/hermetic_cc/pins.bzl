"""What the hermetic C++ toolchain is made of: pins and targets."""

visibility(["//rules/..."])

# Clang 20 is the newest one that nvcc of CUDA 13.0 takes as host compiler.
ZIG_VERSION = "0.15.2"

# CPU of the machine that compiles -> sha256 of the wheel `ziglang`.
ZIG_WHEELS = {
    "aarch64": "edc0aa60ec964a4cf462d40f68d7de242ddf37fd9a80f2afaee6397059463230",
    "x86_64": "806316453d1ede7174ed3fefb8e5348154629089c3bb5fe812dfd0e172fac130",
}

# CPU that is compiled for -> its folders of headers in the wheel.
TARGETS = {
    "aarch64": struct(headers = ["aarch64-linux-gnu", "generic-glibc", "aarch64-linux-any", "any-linux-any"]),
    "x86_64": struct(headers = ["x86-linux-gnu", "generic-glibc", "x86-linux-any", "any-linux-any"]),
}

# CPU and glibc -> sha256 of the libraries that target_repository.bzl makes of the wheel. A version that is not here is made
# anew in each output base, and not checked.
LIBRARIES = {
    "aarch64 2.28": "8a894b09934461d9a6a8f1500d644afafee49f8c20d3c619cca8e827a156e68a",
    "x86_64 2.28": "60b1878b6868fe72bbcf63cbbd997d988490c30b3fef0046031b5de87d35e171",
}

DEFAULT_GLIBC = "2.28"

# The first one with aarch64, and the last one that the compiler knows.
_OLDEST, _NEWEST = 17, 42

def glibc_error(glibc):
    """Looks whether there are libraries of a version of glibc.

    Args:
      glibc: what the user has asked for.

    Returns:
      (got, expected) for a message, or None where all is right.
    """
    major, _, minor = glibc.partition(".")
    if major == "2" and minor.isdigit() and _OLDEST <= int(minor) and int(minor) <= _NEWEST:
        return None
    return "glibc '{}'".format(glibc), "2.{} to 2.{}, such as {}".format(_OLDEST, _NEWEST, DEFAULT_GLIBC)
