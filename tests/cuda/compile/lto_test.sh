#!/usr/bin/env bash
# With link-time optimization the function of the other source is part of the kernel; without, the kernel calls it. Programs
# register the kernel and start without a GPU.
set -euo pipefail
fail() {
  printf 'FAIL: %s\n' "$1" >&2
  exit 1
}
programs=("$1" "$2" "$3")
shift 3
(($# == 8)) || fail "got $# linked cubins, expected 8: $*"

# functions CUBIN: device functions that are code of their own.
functions() { readelf -sW "$1" 2>/dev/null | awk '$4 == "FUNC" { print $NF }' | grep -cv ScaleAll || true; }

for cubin in "$@"; do
  grep -q 'text\..*ScaleAll' <<<"$(readelf -SW "$cubin" 2>/dev/null)" || fail "$cubin: no kernel ScaleAll"
done
for cubin in "$1" "$2"; do
  (($(functions "$cubin") == 0)) || fail "$cubin: a function was not made part of the kernel"
done
for cubin in "${@:3:4}"; do
  (($(functions "$cubin") == 1)) || fail "$cubin: got $(functions "$cubin") functions beside the kernel, expected 1"
done
for program in "${programs[@]}"; do
  answer=$("$program")
  [[ $answer == cudaSuccess || $answer == cudaError* ]] || fail "$program said: $answer"
done
for i in 0 2 6; do
  cubin=${*:i+1:1} program=${programs[(i + 1) / 3]}
  kernel=$(readelf -SW "$cubin" 2>/dev/null | sed -n 's/.* \.text\.\([A-Za-z0-9_$]*ScaleAll[A-Za-z0-9_$]*\) .*/\1/p')
  [[ -n $kernel ]] || fail "$cubin: no kernel"
  grep -qxF -e "$kernel" <<<"$(strings -n 4 "$program")" || fail "$program does not register $kernel"
done
