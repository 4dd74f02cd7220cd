"""The platforms that wheels can be locked for, and what markers see on them."""

load(":names.bzl", "parse_python")

visibility(["//rules/...", "//tests/wheels/..."])

def _platform(os, cpu, family, machine, oldest = "", legacy = {}, **markers):
    return struct(
        constraints = [Label("@platforms//os:" + os), Label("@platforms//cpu:" + cpu)],
        # "glibc", "musl", "macos" or "windows": how tags are made.
        family = family,
        # Name of the CPU in tags.
        machine = machine,
        # The oldest system that ever was on it.
        oldest = oldest,
        # Version of glibc -> the older name of its tag (PEP 600).
        legacy = legacy,
        # What environment markers see (PEP 508).
        markers = markers,
    )

def _linux(cpu, family, oldest, legacy = {}):
    return _platform(
        "linux",
        cpu,
        family,
        cpu,
        oldest = oldest,
        legacy = legacy,
        os_name = "posix",
        platform_machine = cpu,
        platform_system = "Linux",
        sys_platform = "linux",
    )

def _macos(cpu, machine):
    return _platform(
        "macos",
        cpu,
        "macos",
        machine,
        os_name = "posix",
        platform_machine = machine,
        platform_system = "Darwin",
        sys_platform = "darwin",
    )

def _windows(cpu, machine):
    return _platform(
        "windows",
        cpu,
        "windows",
        machine.lower(),
        os_name = "nt",
        platform_machine = machine,
        platform_system = "Windows",
        sys_platform = "win32",
    )

_MANYLINUX = {"2.17": "manylinux2014"}

PLATFORMS = {
    "linux_aarch64": _linux("aarch64", "glibc", "2.17", _MANYLINUX),
    "linux_aarch64_musl": _linux("aarch64", "musl", "1.0"),
    "linux_x86_64": _linux("x86_64", "glibc", "2.5", _MANYLINUX | {"2.12": "manylinux2010", "2.5": "manylinux1"}),
    "linux_x86_64_musl": _linux("x86_64", "musl", "1.0"),
    "macos_aarch64": _macos("aarch64", "arm64"),
    "macos_x86_64": _macos("x86_64", "x86_64"),
    "windows_aarch64": _windows("aarch64", "ARM64"),
    "windows_x86_64": _windows("x86_64", "AMD64"),
}

DEFAULT_PLATFORMS = ["linux_x86_64", "linux_aarch64"]

DEFAULT_PYTHONS = ["3.11"]

# The newest systems that a wheel may ask for. A pinned wheel that needs a newer one is "no wheel for this platform".
DEFAULT_NEWEST = {
    "glibc": "2.39",
    "macos": "14.0",
    "musl": "1.2",
}

def marker_environment(python, platform):
    """Returns the values that environment markers see for CPython `python` on `platform`."""
    version = python.removesuffix("t")
    return PLATFORMS[platform].markers | {
        "implementation_name": "cpython",
        "implementation_version": version,
        "platform_python_implementation": "CPython",
        "python_full_version": version,
        "python_version": "{}.{}".format(*parse_python(python)),
    }
