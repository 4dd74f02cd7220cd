#!/usr/bin/env bash
# Device code of two sources is linked for each architecture, and programs of both kinds register it.
set -euo pipefail
fail() {
  printf 'FAIL: %s\n' "$1" >&2
  exit 1
}
programs=("$1" "$2")
shift 2
(($# == 2)) || fail "got $# linked cubins, expected 2: $*"
for cubin in "$@"; do
  sections=$(readelf -SW "$cubin" 2>/dev/null)
  grep -q 'text\..*ScaleAll' <<<"$sections" || fail "$cubin: no kernel ScaleAll"
  # Each source has a static variable of the same name.
  count=$(readelf -sW "$cubin" 2>/dev/null | awk '$4 == "OBJECT" && $NF ~ /calls$/ { print $NF }' | sort -u | wc -l)
  ((count == 2)) || fail "$cubin: got $count variables named calls, expected 2"
done
for program in "${programs[@]}"; do
  answer=$("$program")
  [[ $answer == cudaSuccess || $answer == cudaError* ]] || fail "$program said: $answer"
  needed=$(readelf -dW "$program" | grep NEEDED)
  if [[ $needed == *libcuda.so* ]]; then fail "$program needs libcuda"; fi
  kernel=$(readelf -SW "$1" 2>/dev/null | sed -n 's/.* \.text\.\([A-Za-z0-9_$]*ScaleAll[A-Za-z0-9_$]*\) .*/\1/p')
  text=$(strings -n 4 "$program")
  grep -qxF -e "$kernel" <<<"$text" || fail "$program does not register $kernel"
done
