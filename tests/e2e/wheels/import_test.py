"""Imports pure Python and an extension module out of wheels."""

import idna
from markupsafe import _speedups

assert idna.encode("b\u00fccher") == b"xn--bcher-kva"
assert _speedups._escape_inner("<") == "&lt;"
