"""The environment has the wheels of the lock, and is one."""

import importlib.metadata
import os
import subprocess
import sys

import delta
import gamma

assert sys.prefix != sys.base_prefix
assert delta.__file__.startswith(sys.prefix), delta.__file__
assert gamma.VERSION == importlib.metadata.version("gamma") == "1.0"
assert os.path.exists(os.path.join(os.path.dirname(gamma.__file__), "BUILD.bazel"))

# .pth files are run, here and in programs that are started.
assert sys.gamma_pth
assert subprocess.check_output([os.path.join(sys.prefix, "bin", "gamma-version")], text=True) == "1.0\n"
assert subprocess.check_output([sys.executable, "-c", "import sys; print(sys.gamma_pth)"], text=True) == "True\n"
