"""The platforms that wheels can be locked for."""

visibility(["//rules/...", "//tests/wheels/..."])

# Newest glibc that a wheel may ask for. A pinned wheel that needs a newer one is "no wheel for this platform".
_NEWEST_GLIBC_MINOR = 39

def _linux(cpu, oldest_glibc_minor, legacy_tags):
    glibc = range(_NEWEST_GLIBC_MINOR, oldest_glibc_minor - 1, -1)
    return struct(
        constraints = [Label("@platforms//os:linux"), Label("@platforms//cpu:" + cpu)],
        # What environment markers see (PEP 508).
        markers = {
            "os_name": "posix",
            "platform_machine": cpu,
            "platform_system": "Linux",
            "sys_platform": "linux",
        },
        # Platform tags of acceptable wheels, best first (PEP 600).
        tags = (
            ["manylinux_2_{}_{}".format(minor, cpu) for minor in glibc] +
            ["{}_{}".format(tag, cpu) for tag in legacy_tags]
        ),
    )

PLATFORMS = {
    "linux_aarch64": _linux("aarch64", 17, ["manylinux2014", "linux"]),
    "linux_x86_64": _linux("x86_64", 5, ["manylinux2014", "manylinux2010", "manylinux1", "linux"]),
}

DEFAULT_PLATFORMS = ["linux_x86_64", "linux_aarch64"]

DEFAULT_PYTHONS = ["3.11"]

def marker_environment(python, platform):
    """Returns the values that environment markers see for CPython `python` on `platform`."""
    return PLATFORMS[platform].markers | {
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "python_full_version": python,
        "python_version": python,
    }
