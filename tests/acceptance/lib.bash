# shellcheck shell=bash disable=SC2034 # variables are for those who source this file
# Shared by the acceptance scripts; sourced by them.
#
#   BAZEL_CMD    command that runs Bazel, with startup options   (default: ./bazelw)
#   BAZEL_FLAGS  flags for every build, such as --disk_cache=DIR  (default: none)
#   MODE         module (default) or workspace
#
# Each check prints `PASS name`, `FAIL name: why` or `SKIP name: why`; the exit code is 1 when one failed.

REPO=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
MODE=${MODE:-module}
PREFIX=usr/lib/python3/site-packages
FAILED=0
read -r -a BAZEL <<<"${BAZEL_CMD:-./bazelw}"
read -r -a FLAGS <<<"${BAZEL_FLAGS:-}"
FLAGS+=(--curses=no --noshow_progress)
if [[ $MODE == workspace ]]; then FLAGS+=(--noenable_bzlmod --enable_workspace); fi
cd -- "$REPO" || exit 1

pass() { echo "PASS $MODE/$1"; }
fail() {
  echo "FAIL $MODE/$1: $2"
  FAILED=1
}
skip() { echo "SKIP $MODE/$1: $2"; }

# needs NAME TOOL...: whether all tools are there; says SKIP for the check NAME when not.
needs() {
  local name=$1 tool
  shift
  for tool in "$@"; do
    if ! command -v "$tool" >/dev/null; then
      skip "$name" "tool $tool is not installed"
      return 1
    fi
  done
}

# equal NAME GOT EXPECTED: two texts.
equal() { if [[ $2 == "$3" ]]; then pass "$1"; else fail "$1" "got '$2', expected '$3'"; fi; }

# same NAME GOT EXPECTED: two files, equal line by line.
same() {
  if cmp -s -- "$2" "$3"; then
    pass "$1"
  else
    fail "$1" "$(diff -- "$3" "$2" | grep -c '^[<>]') lines differ, first: $(diff -- "$3" "$2" | grep '^[<>]' | head -n 2 | paste -sd' ')"
  fi
}

# bazel COMMAND ARGUMENT...
bazel() {
  local command=$1
  shift
  "${BAZEL[@]}" "$command" "${FLAGS[@]}" "$@"
}

# build_or_die TARGET...: what the checks need; ends the script when it does not build.
build_or_die() {
  if ! bazel build "$@" 2>"$SCRATCH/build.log"; then
    fail "build $*" "exit code not 0"
    tail -n 30 "$SCRATCH/build.log" >&2
    exit 1
  fi
}

# files_of ARGUMENT...: absolute paths of the outputs of a target (arguments of cquery).
files_of() {
  local root
  root=$(bazel info execution_root 2>/dev/null)
  bazel cquery --output=files "$@" 2>/dev/null | sed "s#^#$root/#"
}

# glibc_root DIRECTORY: the root of a system with the loader, glibc and nothing more.
glibc_root() {
  local name found
  mkdir -p "$1/lib64" "$1/lib"
  ln -s ../lib64 "$1/lib/x86_64-linux-gnu"
  for name in ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1; do
    found=$(find -L /lib64 /lib/x86_64-linux-gnu /usr/lib64 -maxdepth 1 -name "$name" 2>/dev/null | head -n 1)
    [[ -z $found ]] || cp -L -- "$found" "$1/lib64/"
  done
}

manifest_of() {
  python3 - "$1" <<'PY'
import json, sys
print(json.load(open(sys.argv[1] + "/index.json"))["manifests"][0]["digest"])
PY
}

# A folder of our own, not under /tmp: some sandboxes hide that.
SCRATCH=$(mktemp -d "${XDG_CACHE_HOME:-$HOME/.cache}/acceptance.XXXXXX")
CLEANUP=()
cleanup() {
  local step
  for step in "${CLEANUP[@]}"; do eval "$step"; done
  chmod -R u+rwX "$SCRATCH" 2>/dev/null
  rm -rf "$SCRATCH"
}
trap cleanup EXIT
