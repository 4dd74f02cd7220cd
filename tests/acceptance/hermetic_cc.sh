#!/usr/bin/env bash
# Real programs of this repository by the hermetic C++ toolchain: the launcher and `infer`, with abseil, protobuf, SIMD kernels and
# libraries for sound and HTTP, and an old glibc under them. HERMETIC_CC_SLOW=1 asks for it, as it compiles 500 files;
# tests/e2e/hermetic_cc has the small programs, tests/manual/aarch64.sh runs these for Arm. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

if [[ ${HERMETIC_CC_SLOW:-} != 1 ]]; then
  skip "launcher and infer on old glibc" "HERMETIC_CC_SLOW=1 asks for it"
  exit 0
fi

# By the compiler of this machine, to compare with.
build_or_die //plugins/infer/cli:infer
cp -L -- "$(files_of //plugins/infer/cli:infer)" "$SCRATCH/infer_here"

FLAGS+=(--platforms=//toolchains/cc:linux_x86_64)
build_or_die //plugins/launcher //plugins/infer/cli:infer
glibc_root "$SCRATCH/root"
for target in //plugins/launcher //plugins/infer/cli:infer; do
  program=$(files_of "$target")
  name=${program##*/}
  newest=$(readelf --version-info --wide "$program" | grep -o 'GLIBC_2[0-9.]*' | sort -Vu | tail -n 1)
  equal "$name: no symbol is newer than glibc 2.28" "$(printf '%s\nGLIBC_2.28\n' "${newest:-none at all}" | sort -V | tail -n 1)" GLIBC_2.28
  equal "$name: glibc is all that is needed" "$(readelf --dynamic --wide "$program" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
    grep -vE '^(lib(c|m|dl|rt|pthread)\.so\.[0-9]|ld-linux-x86-64\.so\.2)$')" ""
  equal "$name: no folder of the machine in it" "$(grep -acF -e "$(bazel info output_base 2>/dev/null)" -e "$REPO" "$program")" 0
  cp -L -- "$program" "$SCRATCH/root/"
done

# Three seconds of a rising tone, and a model that says nonsense about it.
python3 - "$SCRATCH/root/tone.wav" <<'PY'
import math, struct, sys, wave
with wave.open(sys.argv[1], "wb") as sound:
    sound.setparams((1, 2, 16000, 0, "NONE", ""))
    sound.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(i * i / 90000))) for i in range(48000)))
PY
make_model=(model make-test --size test.en --type q5_1 --seed 3)
"$SCRATCH/infer_here" "${make_model[@]}" "$SCRATCH/model.bin"
"$SCRATCH/root/infer" "${make_model[@]}" "$SCRATCH/root/model.bin"
same "infer: both compilers make the same model" "$SCRATCH/root/model.bin" "$SCRATCH/model.bin"
equal "infer: both have the same kernels" "$("$SCRATCH/root/infer" --version)" "$("$SCRATCH/infer_here" --version)"

if unshare --user --map-root-user true 2>/dev/null; then
  in_root() { unshare --user --map-root-user chroot "$SCRATCH/root" "$@"; }
  in_root /launcher >"$SCRATCH/said" 2>&1
  equal "launcher: starts where glibc alone is" "$(grep -c '^error: ' "$SCRATCH/said")" 1
  transcribe=(transcribe --temperature 0 --device cpu --progress none --print json)
  in_root /infer "${transcribe[@]}" --model /model.bin /tone.wav >"$SCRATCH/old.json" 2>"$SCRATCH/said"
  equal "infer: transcribes where glibc alone is" "$? $(<"$SCRATCH/said")" "0 "
  "$SCRATCH/infer_here" "${transcribe[@]}" --model "$SCRATCH/model.bin" "$SCRATCH/root/tone.wav" >"$SCRATCH/here.json" 2>/dev/null
  same "infer: the same text and probabilities by both compilers" "$SCRATCH/old.json" "$SCRATCH/here.json"
else
  skip "launcher and infer start where glibc alone is" "user namespaces are not allowed here"
fi

exit "$FAILED"
