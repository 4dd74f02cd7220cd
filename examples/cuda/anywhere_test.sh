#!/usr/bin/env bash
# PROGRAM HOST: the launcher of a release starts its CPU variant where there is no GPU, and the variant of HOST's device when it is
# told to believe in that machine.
set -euo pipefail
export RUNFILES_DIR=${RUNFILES_DIR:-$TEST_SRCDIR} CUDA_VISIBLE_DEVICES=
fail() {
  printf 'FAIL: %s\n' "$1" >&2
  exit 1
}
# started ENVIRONMENT...: the variant that is started.
started() {
  env "$@" INFERENCE_EXPLAIN=1 "$program" >"$TEST_TMPDIR/out" 2>"$TEST_TMPDIR/err" || fail "exit code $?: $(<"$TEST_TMPDIR/err")"
  [[ $(<"$TEST_TMPDIR/out") == "11 22 33 44"* ]] || fail "got '$(<"$TEST_TMPDIR/out")', expected the sum"
  sed -n 's/^chosen  *\([^ ]*\).*/\1/p' "$TEST_TMPDIR/err"
}
program=$1
[[ $(started INFERENCE_HOST=) == cpu ]] || fail "without a GPU: $(<"$TEST_TMPDIR/err")"
[[ $(started INFERENCE_HOST="$PWD/$2") == cuda-sm90 ]] || fail "with an H200: $(<"$TEST_TMPDIR/err")"
