#!/usr/bin/env bash
# Names that the host code registers are the names that each cubin and the PTX have.
set -euo pipefail
program=$1
fail() {
  printf 'FAIL: %s\n' "$1" >&2
  exit 1
}

# Text of the program as lines, which holds the names that it registers.
registered=$(strings -n 4 "$program")
is_registered() { grep -qxF -e "$1" <<<"$registered"; }

images=(tests/cuda/compile/_cuda/kinds/tests/cuda/compile/kinds.cu/{sm_80.cubin,sm_90a.cubin,compute_90.ptx})
all=
for image in "${images[@]}"; do
  if [[ $image == *.ptx ]]; then
    kernels=$(sed -n 's/.*\.entry \([A-Za-z0-9_$]*\).*/\1/p' "$image" | sort)
    variables=$(sed -n 's/^\(\.visible \)\?\.\(global\|const\) .* \([A-Za-z0-9_$]*\)\(\[[0-9]*\]\)\?\( = .*\)\?;$/\3/p' "$image" | sort)
  else
    kernels=$(readelf -SW "$image" 2>/dev/null | sed -n 's/.* \.text\.\([A-Za-z0-9_$]*\) .*/\1/p' | sort)
    variables=$(readelf -sW "$image" 2>/dev/null | awk '$4 == "OBJECT" { print $NF }' | sort)
  fi
  count=$(wc -l <<<"$kernels")
  # Sum<float>, Sum<double>, Anonymous, Static, c_kernel, Apply; CUB may add its own.
  ((count >= 6)) || fail "$image: got $count kernels, expected at least 6: $kernels"
  for kernel in $kernels; do
    is_registered "$kernel" || fail "$image: kernel $kernel is not registered by the program"
  done
  for wanted in Anonymous Static c_kernel 3SumIf 3SumId Apply; do
    grep -q -- "$wanted" <<<"$kernels" || fail "$image: got no kernel $wanted, expected one: $kernels"
  done
  for wanted in static_counter static_scale exported_counter managed_counter hidden_counter; do
    name=$(grep -- "$wanted" <<<"$variables" | head -n 1) || fail "$image: no variable $wanted: $variables"
    is_registered "$name" || fail "$image: variable $name is not registered by the program"
  done
  [[ -z $all || $all == "$kernels" ]] || fail "$image has other kernels: $all; $kernels"
  all=$kernels
done

# What has internal linkage carries the id of the module, which no process id or path is part of.
anonymous=$(grep Anonymous <<<"$all")
[[ $anonymous =~ _GLOBAL__N__[0-9a-f]+_kinds_cu ]] || fail "kernel of an anonymous namespace: got $anonymous"

# One fat binary, one wrapper of it, and no need for the driver.
wrappers=$(readelf -SW "$program" | awk '{ sub(/^ *\[ *[0-9]+\] */, "") } $1 == ".nvFatBinSegment" { print $5 }')
((16#$wrappers == 24)) || fail ".nvFatBinSegment: got $wrappers bytes, expected 18 (hex), one wrapper"
needed=$(readelf -dW "$program" | grep NEEDED)
if [[ $needed == *libcuda.so* ]]; then fail "$program needs libcuda"; fi

# It starts and registers everything; what the launch says is about the machine.
answer=$("$program")
[[ $answer == cudaSuccess || $answer == cudaError* ]] || fail "the program said: $answer"
printf 'PASS: %s kernels in %s images; the program says %s\n' "$count" "${#images[@]}" "$answer"
