"""Markers of PEP 508, from its grammar tests and its text, for CPython 3.11 on x86_64 Linux. C++ reads the same file."""

visibility("//tests/wheels/...")

# yes or no, marker.
MARKERS = """
no python_version=='2.7'
no python_version<'2.7'
no os_name=='a' or os_name=='b'
no os_name=='a' and os_name=='b' or os_name=='c'
no os_name=='a' and (os_name=='b' or os_name=='c')
no os_name=='a' or os_name=='b' and os_name=='c'
no (os_name=='a' or os_name=='b') and os_name=='c'
yes os_name=='posix' or os_name=='b' and os_name=='c'
no (os_name=='posix' or os_name=='b') and os_name=='c'
yes os_name=='a' and os_name=='b' or os_name=='posix'
no python_version < "2.7"
no python_version<"2.7"
yes python_version >= "3.0" and platform_python_implementation == "CPython"
yes 'posix' == os_name
yes "linux" in sys_platform
yes sys_platform not in "win32 darwin"
yes os_name == 'posix' and (python_version < '2.7' or platform_machine == 'x86_64')
yes implementation_name == 'cpython'
yes platform_system == "Linux"
yes python_full_version >= "3.3"
yes python_version > '3.2'
yes python_version >= '3.9' and python_version < '3.12'
no sys_platform == 'win32'
no platform_machine == 'AMD64'
no sys_platform == 'darwin' and platform_machine == 'arm64'
yes sys_platform != 'win32' and sys_platform != 'darwin'
yes python_version ~= '3.10'
no python_version ~= '3.12'
"""
