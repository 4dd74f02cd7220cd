#!/usr/bin/env bash
# Builds for Arm (Linux on aarch64) by the hermetic C++ toolchain, and runs it by emulation: unit tests of the kernels and of what is
# nearest to the machine, then `infer`, `inferctl` and the launcher. Run by hand: it compiles over a thousand files, and emulated
# tests take minutes.
#
# Needs qemu-aarch64-static (package qemu-user-static) and a glibc of aarch64 in /usr/aarch64-linux-gnu (libc6-arm64-cross).
#
#   PART   infer (the default), tools (inferctl, launcher, selection) or all
#   Other variables: see tests/acceptance/lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../acceptance/lib.bash"
needs "Arm by emulation" qemu-aarch64-static readelf python3 || exit "$FAILED"
libc=/usr/aarch64-linux-gnu
if [[ ! -d $libc/lib ]]; then
  skip "Arm by emulation" "no $libc/lib: libc6-arm64-cross is not installed"
  exit "$FAILED"
fi
part=${PART:-infer}
qemu=(qemu-aarch64-static -L "$libc")
programs=()
tests=()
if [[ $part != tools ]]; then
  programs+=(//plugins/infer/cli:infer)
  tests+=(//plugins/infer/cpu/... //plugins/infer/output/... //plugins/infer/decode:oracle_test //plugins/infer:log_mel_test
    //plugins/infer:tokenizer_test //plugins/infer:model_file_test //plugins/infer/cli:version_test)
fi
if [[ $part != infer ]]; then
  programs+=(//plugins/inferctl //plugins/launcher)
  tests+=(//plugins/select/... //plugins/launcher/... //plugins/base/elf/...)
fi

host_flags=("${FLAGS[@]}")
FLAGS+=(--platforms=//toolchains/cc:linux_aarch64)
# Limits of time are for machines that run the code themselves.
bazel test --run_under="$(command -v qemu-aarch64-static) -L $libc" --test_timeout=1800 --test_summary=short \
  --build_tests_only -- "${tests[@]}" 2>"$SCRATCH/test.log" |
  sed -nE -e 's#^(//[^ ]+) +(\(cached\) )?PASSED.*#PASS aarch64 \1#p' \
    -e 's#^(//[^ ]+) +(FAILED|TIMEOUT|NO STATUS|FLAKY|SKIPPED).*#FAIL aarch64 \1: \2#p' | tee "$SCRATCH/tests"
if grep -q '^FAIL ' "$SCRATCH/tests" || ! grep -q '^PASS ' "$SCRATCH/tests"; then
  tail -n 40 "$SCRATCH/test.log" >&2
  FAILED=1
fi

for target in "${programs[@]}"; do
  build_or_die "$target"
  program=$(files_of "$target")
  name=${program##*/}
  cp -L -- "$program" "$SCRATCH/$name"
  equal "$name: machine" "$(readelf --file-header "$program" | sed -n 's/^ *Machine: *//p')" AArch64
  newest=$(readelf --version-info --wide "$program" | grep -o 'GLIBC_2[0-9.]*' | sort -Vu | tail -n 1)
  equal "$name: no symbol is newer than glibc 2.28" "$(printf '%s\nGLIBC_2.28\n' "${newest:-none at all}" | sort -V | tail -n 1)" GLIBC_2.28
  equal "$name: glibc is all that is needed" "$(readelf --dynamic --wide "$program" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
    grep -vE '^(lib(c|m|dl|rt|pthread)\.so\.[0-9]|ld-linux-aarch64\.so\.1)$')" ""
done

if [[ $part != tools ]]; then
  equal "infer: kernels" "$("${qemu[@]}" "$SCRATCH/infer" --version | grep '^CPU')" "CPU: neon; here neon"
  FLAGS=("${host_flags[@]}")
  build_or_die //plugins/infer/cli:infer
  here=$(files_of //plugins/infer/cli:infer)
  python3 - "$SCRATCH/tone.wav" <<'PY'
import math, struct, sys, wave
with wave.open(sys.argv[1], "wb") as sound:
    sound.setparams((1, 2, 16000, 0, "NONE", ""))
    sound.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(i * i / 90000))) for i in range(32000)))
PY
  for type in f32 f16 q4_0 q4_1 q5_0 q5_1 q8_0; do
    "$here" model make-test --size test.en --type "$type" --seed 3 "$SCRATCH/here.bin"
    "${qemu[@]}" "$SCRATCH/infer" model make-test --size test.en --type "$type" --seed 3 "$SCRATCH/model.bin"
    same "infer: $type: the same model" "$SCRATCH/model.bin" "$SCRATCH/here.bin"
    transcribe=(transcribe --model "$SCRATCH/model.bin" --temperature 0 --beam-size 1 --progress none --print srt "$SCRATCH/tone.wav")
    "$here" "${transcribe[@]}" >"$SCRATCH/here.srt" 2>/dev/null
    "${qemu[@]}" "$SCRATCH/infer" "${transcribe[@]}" >"$SCRATCH/arm.srt" 2>"$SCRATCH/said" || tail -n 3 "$SCRATCH/said" >&2
    same "infer: $type: the same text" "$SCRATCH/arm.srt" "$SCRATCH/here.srt"
  done
fi
if [[ $part != infer ]]; then
  equal "inferctl: version" "$("${qemu[@]}" "$SCRATCH/inferctl" --version | cut -d' ' -f1)" inferctl
  "${qemu[@]}" "$SCRATCH/launcher" >"$SCRATCH/said" 2>&1
  equal "launcher: starts" "$(grep -c '^error: ' "$SCRATCH/said")" 1
fi
exit "$FAILED"
