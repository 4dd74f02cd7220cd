#!/usr/bin/env bash
# RELEASE: copies the release out. Each archive is unpacked and its program run, as on a machine without a GPU.
set -euo pipefail
export CUDA_VISIBLE_DEVICES=
fail() {
  printf 'FAIL: %s\n' "$1" >&2
  exit 1
}
dist=$TEST_TMPDIR/dist
"$1" "$dist"
(cd "$dist" && sha256sum --quiet -c SHA256SUMS)
archives=("$dist"/*.tar.gz)
((${#archives[@]} == 4)) || fail "got ${archives[*]}, expected 4 archives"
for archive in "${archives[@]}"; do
  rm -rf "$TEST_TMPDIR/unpacked" && mkdir "$TEST_TMPDIR/unpacked"
  tar -xzf "$archive" -C "$TEST_TMPDIR/unpacked"
  result=$("$TEST_TMPDIR/unpacked/bin/add" 2>"$TEST_TMPDIR/errors")
  reason=$(<"$TEST_TMPDIR/errors")
  [[ $result == "11 22 33 44 " && $reason == "no usable GPU: "*"; using the CPU" ]] || fail "$archive: got $result, $reason"
  if [[ $archive == *-cpu.tar.gz ]]; then
    [[ $reason == "no usable GPU: built without CUDA; using the CPU" ]] || fail "$archive: got $reason"
  fi
done
