#!/usr/bin/env bash
# PROGRAM RESULT [LIBRARY...]: without a GPU the program says so and still has the result. It never needs libcuda to start;
# LIBRARY are what else it needs beside those of every system.
set -euo pipefail
program=$1
expected=$2
shift 2
fail() {
  printf 'FAIL: %s\n' "$1" >&2
  exit 1
}
# No device is visible, whatever the machine has.
export CUDA_VISIBLE_DEVICES=
errors=$TEST_TMPDIR/errors
result=$("$program" 2>"$errors") || fail "$program: exit code $?: $(<"$errors")"
[[ $(<"$errors") == "no usable GPU: "*"; using the CPU" ]] || fail "$program says '$(<"$errors")', expected why there is no GPU"
[[ ${result% } == "$expected" ]] || fail "$program: got '$result', expected '$expected'"
needed=$(readelf -dW "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
[[ $needed != *libcuda.so* ]] || fail "$program needs libcuda"
for library in "$@"; do
  grep -q -- "^$library" <<<"$needed" || fail "$program does not need $library: $needed"
done
