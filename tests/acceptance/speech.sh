#!/usr/bin/env bash
# examples/speech: the image with launcher, variants and a model, unpacked by other people's tools and run: at the command line, as a
# machine with a GPU and without a driver, and as a server. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"
needs "the speech image" skopeo umoci python3 curl || exit "$FAILED"

build_or_die //examples/speech:small_image
cp -rL "$(files_of //examples/speech:small_image)" "$SCRATCH/layout"
chmod -R u+w "$SCRATCH/layout"
skopeo copy -q "oci:$SCRATCH/layout" "oci:$SCRATCH/image:latest" && umoci unpack --rootless --image "$SCRATCH/image:latest" "$SCRATCH/bundle" >/dev/null 2>&1
equal "other tools unpack it" "$?" 0
root=$SCRATCH/bundle/rootfs
infer=$root/app/small
model=$root/models/ggml-test.bin

# Two seconds of a rising tone.
python3 - "$SCRATCH/tone.wav" <<'PY'
import math, struct, sys, wave
with wave.open(sys.argv[1], "wb") as sound:
    sound.setparams((1, 2, 16000, 0, "NONE", ""))
    sound.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(i * i / 90000))) for i in range(32000)))
PY
# text ENVIRONMENT...: what is heard, and what is said beside it.
text() {
  env "$@" "$infer" transcribe --model "$model" --temperature 0 "$SCRATCH/tone.wav" 2>"$SCRATCH/errors" | sha256sum | cut -c 1-12
  echo "${PIPESTATUS[0]} $(<"$SCRATCH/errors")"
}
unset INFERENCE_HOST INFERENCE_VARIANT
here=$(text CUDA_VISIBLE_DEVICES=)
equal "on a machine without a GPU" "$(tail -n 1 <<<"$here")" "0 "
gpu=$(text CUDA_VISIBLE_DEVICES= INFERENCE_HOST="$REPO/examples/cuda/h200.json")
equal "where an H200 is promised and none is there" "$(tail -n 1 <<<"$gpu" | sed 's/GPU: .*;/GPU: ...;/')" "0 infer: no usable GPU: ...; using the CPU"
equal "both hear the same" "$(head -n 1 <<<"$gpu")" "$(head -n 1 <<<"$here")"

INFERENCE_VARIANT=require:cpu "$infer" serve --model "$model" --port 0 --beam-size 1 --no-fallback >"$SCRATCH/address" 2>"$SCRATCH/log" &
server=$!
CLEANUP+=("kill $server 2>/dev/null")
for _ in {1..300}; do
  address=$(sed -n 's/^listening on //p' "$SCRATCH/address")
  [[ -n $address && $(curl -s "$address/health") == *ok* ]] && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
equal "the server hears it too" "$(curl -s "$address/v1/audio/transcriptions" -F "file=@$SCRATCH/tone.wav" -F model=whisper-1 -F response_format=verbose_json |
  python3 -c 'import json, sys; answer = json.load(sys.stdin); print(answer["duration"], answer["language"], len(answer["segments"]) > 0)')" "2.0 english True"
kill -TERM "$server"
wait "$server"
equal "it ends when it is asked to" "$?" 0
exit "$FAILED"
