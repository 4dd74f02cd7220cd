#!/usr/bin/env bash
# Virtual environments of real wheels: in a test, with `bazel run`, from bazel-bin; collisions of distributions that are known for
# them. Environment: see lib.bash.
#
#   VENV_LARGE=1  also torch and OpenCV, as the package index has them: some 3 GB are fetched
#   VENV_WHEELS   folder with these wheels; what is not there is fetched into it   (default: a folder that is removed)
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

needs "virtual environments" python3.11 || exit 0

# --- in Bazel ----------------------------------------------------------------------------------------------------------

build_or_die //examples/comfy:venv //plugins/wheel //plugins/wheel:elf_closure
env=$(files_of //examples/comfy:venv)
plugin=$(files_of //plugins/wheel)
elf_closure=$(files_of //plugins/wheel:elf_closure)

# From nothing, and not from a cache: the bytes and the links have to be the same again.
listing() {
  (cd -- "$1" && find . -printf '%P %y %l\n' | LC_ALL=C sort && find . -type f -exec sha256sum {} + | LC_ALL=C sort)
}
listing "$env" >"$SCRATCH/first"
check_test() {
  if bazel test --nocache_test_results "$@" >"$SCRATCH/log" 2>&1; then pass "$NAME"; else
    fail "$NAME" "exit code not 0"
    tail -n 30 "$SCRATCH/log" >&2
  fi
}
NAME="onnxruntime runs a model in a sandbox" check_test //examples/comfy:model_test
NAME="onnxruntime runs a model without a sandbox" check_test --strategy=TestRunner=local //examples/comfy:model_test
equal "no link leads to a place of this machine" "$(find "$env" -type l -lname '/*' | head -n 1)" ""
equal "no file names one" "$(grep -rlF -- "$HOME" "$env/bin" "$env/pyvenv.cfg")" ""
chmod -R u+w "$env" && rm -rf "$env"
build_or_die //examples/comfy:venv
listing "$env" >"$SCRATCH/second"
same "the environment is the same again" "$SCRATCH/second" "$SCRATCH/first"

where='import numpy, sys; print(sys.prefix != sys.base_prefix, numpy.__file__.startswith(sys.prefix))'
equal "bazel run" "$(bazel run //examples/comfy:venv -- -c "$where" 2>/dev/null)" "True True"
equal "the python of the directory" "$("$env/bin/python" -c "$where")" "True True"
equal "the same through a link" "$(ln -s "$env/bin/python3" "$SCRATCH/py" && "$SCRATCH/py" -c "$where")" "True True"
equal "activated" "$(PATH="$env/bin:$PATH" python3 -c "$where")" "True True"
equal "without a home" "$(env -u HOME -u XDG_CACHE_HOME "$env/bin/python" -c "$where")" "True True"
equal "with a home that cannot be written" "$(HOME=/proc/self XDG_CACHE_HOME='' "$env/bin/python" -c "$where")" "True True"
version=$("$env/bin/python" -c 'import numpy; print(numpy.__version__)')
equal "a program of a wheel" "$("$env/bin/f2py" -v)" "$version"
mkdir -p "$SCRATCH/none"
for tool in cksum readlink grep id mktemp rm dirname; do ln -s "$(command -v "$tool")" "$SCRATCH/none/$tool"; done
PATH=$SCRATCH/none "$env/bin/python" -c 1 >/dev/null 2>"$SCRATCH/err"
equal "no interpreter" "$(head -n 1 "$SCRATCH/err")" "error: python: $env: got no interpreter, expected Python 3.11"

# --- distributions that are known to collide ---------------------------------------------------------------------------

wheels=${VENV_WHEELS:-$SCRATCH/wheels}
mkdir -p "$wheels"
make() { python3 tests/acceptance/venv.py --plugin "$plugin" --python 3.11 "$@" 2>&1; }
# fetch CHECK REQUIREMENT...: says SKIP for the check when the wheels cannot be had.
fetch() {
  local name=$1
  shift
  python3.11 -m pip download -q --disable-pip-version-check --only-binary=:all: --find-links "$wheels" -d "$wheels" "$@" >"$SCRATCH/pip" 2>&1 && return 0
  skip "$name" "pip cannot fetch $*: $(tail -n 1 "$SCRATCH/pip")"
  return 1
}

if fetch "two pynvml" --no-deps pynvml==11.5.3 nvidia-ml-py; then
  both=("$wheels"/pynvml-11.5.3-*.whl "$wheels"/nvidia_ml_py-*.whl)
  equal "two pynvml" "$(make --output "$SCRATCH/nvml" "${both[@]}" | head -n 1 | sed -E 's/(nvidia-ml-py) [0-9.]+/\1 V/')" \
    "error: virtual environment: pynvml: got 'pynvml/__init__.py' of pynvml 11.5.3 and 'pynvml.py' of nvidia-ml-py V, which are imported by one name, expected one owner"
  make --output "$SCRATCH/nvml" --choose pynvml=nvidia-ml-py "${both[@]}" >"$SCRATCH/log"
  equal "one of them is chosen" "$("$SCRATCH/nvml/env/bin/python" -c 'import pynvml; print(pynvml.__file__.rsplit("/", 1)[1])')" "pynvml.py"
fi

if [[ ${VENV_LARGE:-0} != 1 ]]; then
  skip "torch and OpenCV" "VENV_LARGE=1 fetches 3 GB and runs them"
  exit "$FAILED"
fi

if fetch "four OpenCV" --no-deps opencv-python opencv-python-headless opencv-contrib-python opencv-contrib-python-headless &&
  fetch "four OpenCV" numpy; then
  four=("$wheels"/opencv_*.whl "$wheels"/numpy-*.whl)
  make --output "$SCRATCH/cv" "${four[@]}" >"$SCRATCH/log"
  equal "four OpenCV" "$(grep -cE "^error: virtual environment: cv2/.* \(and [0-9]+ more paths\): got different files of opencv-.* and opencv-.*, expected one owner" "$SCRATCH/log")" 1
  make --output "$SCRATCH/cv" --choose cv2=opencv-contrib-python-headless "${four[@]}"
  equal "one of the four" \
    "$("$SCRATCH/cv/env/bin/python" -c 'import cv2, numpy; print(cv2.resize(numpy.zeros((4, 4), numpy.uint8), (8, 8)).shape)')" "(8, 8)"
fi

if fetch "torch" torch torchvision numpy; then
  mapfile -t all < <(find "$wheels" -name '*.whl' ! -name 'opencv_*' ! -name 'pynvml-*' ! -name 'nvidia_ml_py-*' | LC_ALL=C sort)
  make --output "$SCRATCH/torch" "${all[@]}"
  equal "torch multiplies two matrices" "$("$SCRATCH/torch/env/bin/python" -c '
import torch, torchvision
a = torch.arange(6.).reshape(2, 3)
assert torchvision.ops.nms(torch.tensor([[0., 0., 1., 1.]]), torch.tensor([1.]), 0.5).tolist() == [0]
print((a @ a.T).tolist())')" "[[5.0, 14.0], [14.0, 50.0]]"
  # What the wheels leave to the machine: the driver, fabrics and launchers of clusters, and libquadmath of GCC.
  system=(libcuda.so.1 libquadmath.so.0 libibverbs.so.1 libmlx5.so.1 librdmacm.so.1 libfabric.so.1 libmpi.so.40 libpmix.so.2
    liboshmem.so.40 libucp.so.0 libucs.so.0)
  "$elf_closure" "${system[@]/#/--system=}" "$SCRATCH"/torch/trees/*.json >"$SCRATCH/log" 2>&1
  equal "the libraries of torch find each other" "$? $(grep -c '^missing' "$SCRATCH/log")" "0 0"
  tail -n 1 "$SCRATCH/log"
fi
exit "$FAILED"
