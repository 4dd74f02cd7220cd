#!/usr/bin/env bash
# A test that needs a GPU passes without one and says why, unless it is told that there has to be one.
set -euo pipefail
fail() {
  printf 'FAIL: %s\n' "$1" >&2
  exit 1
}
# No device is visible, whatever the machine has.
export CUDA_VISIBLE_DEVICES=
code=0
said=$("$1" 2>&1) || code=$?
[[ $code == 0 && $said == "SKIP: no usable GPU: "* ]] || fail "got exit code $code and: $said"
code=0
said=$(RULES_INFERENCE_REQUIRE_GPU=1 "$1" 2>&1) || code=$?
[[ $code == 1 && $said == "error: no usable GPU: "* ]] || fail "got exit code $code and: $said"
