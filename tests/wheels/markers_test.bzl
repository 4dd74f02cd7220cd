"""Tests of environment markers: a truth table, and what is refused."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:markers.bzl", "evaluate_marker")  # buildifier: disable=bzl-visibility
load("//rules/private/wheels:platforms.bzl", "marker_environment")  # buildifier: disable=bzl-visibility

visibility("private")

# Marker -> value for CPython 3.11 on linux_x86_64.
_TRUTH = {
    "\"3.10\" <= python_version": True,
    "\"linux\" in sys_platform": True,
    "(python_version < '3' or python_version > '3.9') and sys_platform == 'linux'": True,
    "implementation_name != 'cpython'": False,
    "os_name == 'nt'": False,
    "os_name == 'nt' or sys_platform == 'linux' and platform_machine == 'aarch64'": False,
    "os_name=='posix'and(python_version>='3.11')": True,
    "platform_machine in 'x86_64 AMD64'": True,
    "platform_machine not in 'aarch64 arm64'": True,
    "platform_python_implementation == 'CPython'": True,
    "platform_release >= '10' and sys_platform == 'win32'": False,
    "platform_release >= '10' or sys_platform == 'linux'": True,
    "platform_system == 'Linux'": True,
    "python_full_version < '3.11'": False,
    "python_full_version < '3.12'": True,
    "python_full_version < '3.12rc1'": True,
    "python_full_version == '3.11.*'": True,
    "python_full_version >= '3.11'": True,
    "python_full_version != '3.10.*'": True,
    "python_full_version < '3.11.4' and sys_platform == 'win32'": False,
    "python_version < '3.11.4'": True,
    "python_version < '3.9'": False,
    "python_version == '3.*'": True,
    "python_version ~= '3.10'": True,
    "python_version ~= '3.10.1'": False,
    "python_implementation == 'CPython' and os.name == 'posix'": True,
    "python_version == '3.11'": True,
    "python_version > '3.2'": True,
    "python_version in '3.10 3.11'": True,
    "sys_platform == 'linux' or python_version < '3' and os_name == 'nt'": True,
    "sys_platform == 'win32' or (sys_platform == 'linux' and (platform_machine == 'x86_64'))": True,
}

_REFUSED = {
    "": "got the end of '', expected a comparison",
    "'a' == 'a'": "got two literals, 'a' and 'a', expected a variable",
    "(os_name == 'posix'": "got '(' without ')' in '(os_name == 'posix'', expected pairs",
    "extra == 'gpu'": "got 'extra', expected a literal or one of implementation_name, implementation_version, os_name, " +
                      "platform_machine, platform_python_implementation, platform_system, python_full_version, python_version, sys_platform",
    "os_name < 'posix'": "got '<' between texts, expected ==, !=, in or not in",
    "os_name == 'posix": "got a literal without its closing ', expected one",
    "os_name == 'posix')": "got ')' without '(' in 'os_name == 'posix')', expected pairs",
    "os_name == 'posix' and": "got the end of 'os_name == 'posix' and', expected a comparison",
    "os_name == 'posix' os_name": "got 'os_name', expected 'and' or 'or'",
    "os_name ~= 'posix'": "got '~=' between texts, expected ==, !=, in or not in",
    "os_name => 'posix'": "got operator '=>', expected one of === ~= == != <= >= < >, in, not in",
    "platform_release >= '10'": "got platform_release, which only the machine knows, expected a variable that python and " +
                                "platform decide",
    "python_full_version <= '3.11.2'": "got python_full_version <= '3.11.2', expected a comparison that all releases of " +
                                       "python 3.11 answer alike",
    "python_full_version in '3.11.1'": "got python_full_version with 'in', expected a comparison with a version",
    "python_version < '3.12x'": "got version '3.12x', expected a release such as '3.11'",
    "python_version >= '3.*'": "got '>= 3.*', expected a release such as '3.11'",
    "python_version": "got 'python_version', expected a comparison",
    "python_version ~= '3'": "got '~= 3', expected a release such as '3.11'",
}

def _truth_impl(ctx):
    env = unittest.begin(ctx)
    for marker, expected in _TRUTH.items():
        value, error = evaluate_marker(marker, marker_environment("3.11", "linux_x86_64"))
        asserts.equals(env, (expected, None), (value, error), marker)
    return unittest.end(env)

truth_test = unittest.make(_truth_impl)

# Marker -> value, where the extras "cu" and "a-b" are asked for.
_SETS = {
    "'A_b' in extras": True,
    "'cpu' in extras": False,
    "'cpu' not in extras and 'cu' in extras": True,
    "extra != 'cpu'": True,
    "extra == 'cpu' or extra == 'cu'": True,
}

def _sets_impl(ctx):
    env = unittest.begin(ctx)
    environment = marker_environment("3.11", "linux_x86_64") | {"extra": ["a-b", "cu"], "extras": ["a-b", "cu"]}
    for marker, expected in _SETS.items():
        asserts.equals(env, (expected, None), evaluate_marker(marker, environment), marker)
    asserts.equals(
        env,
        (None, "got extras with '==', expected 'name' in extras"),
        evaluate_marker("extras == 'cu'", environment),
    )
    return unittest.end(env)

sets_test = unittest.make(_sets_impl)

# (python, platform, marker) -> value.
_ENVIRONMENTS = {
    ("3.10", "linux_x86_64_musl", "platform_machine == 'x86_64' and sys_platform == 'linux'"): True,
    ("3.11.2", "linux_x86_64", "python_full_version < '3.11.3'"): True,
    ("3.11.9", "linux_x86_64", "python_full_version < '3.11.3' or python_version != '3.11'"): False,
    ("3.12", "macos_aarch64", "platform_machine == 'arm64' and sys_platform == 'darwin' and platform_system == 'Darwin'"): True,
    ("3.13t", "linux_aarch64", "python_version == '3.13' and platform_machine == 'aarch64'"): True,
    ("3.14", "windows_aarch64", "platform_machine == 'ARM64'"): True,
    ("3.14", "windows_x86_64", "os_name == 'nt' and sys_platform == 'win32' and platform_machine == 'AMD64'"): True,
    ("3.14.1", "windows_x86_64", "implementation_version == '3.14.1'"): True,
}

def _environments_impl(ctx):
    env = unittest.begin(ctx)
    for (python, platform, marker), expected in _ENVIRONMENTS.items():
        asserts.equals(env, (expected, None), evaluate_marker(marker, marker_environment(python, platform)), marker)
    return unittest.end(env)

environments_test = unittest.make(_environments_impl)

def _refuses_impl(ctx):
    env = unittest.begin(ctx)
    for marker, expected in _REFUSED.items():
        _, error = evaluate_marker(marker, marker_environment("3.11", "linux_x86_64"))
        asserts.equals(env, expected, error, marker)
    return unittest.end(env)

refuses_test = unittest.make(_refuses_impl)

def markers_test_suite(name):
    unittest.suite(name, truth_test, sets_test, environments_test, refuses_test)
