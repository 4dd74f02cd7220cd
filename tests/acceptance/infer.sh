#!/usr/bin/env bash
# `infer` from sound to files, on the CPU, with a model of random weights. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

build_or_die //plugins/infer/cli:infer
infer=$(files_of //plugins/infer/cli:infer)
testdata=$REPO/plugins/infer/audio/testdata
cd "$SCRATCH" || exit 1

# fails NAME CODE MESSAGE COMMAND...: the exit code, and all of standard error.
fails() {
  local name=$1 code=$2 message=$3 got
  shift 3
  got=$("$@" 2>&1 >/dev/null </dev/null)
  equal "infer: $name: exit code" "$?" "$code"
  equal "infer: $name: message" "$got" "$message"
}

"$infer" model make-test test.bin --size test.en --type q5_1 --seed 3 || exit 1
quick=(--model test.bin --device cpu --beam-size 1 --temperature-increment-on-fallback none --progress none)

# A second of two tones, as WAV, and its samples alone.
python3 - <<'PY'
import math, struct
samples = [int(9000 * (math.sin(i / 5) + math.sin(i / 40))) for i in range(16000)]
data = struct.pack(f"<{len(samples)}h", *samples)
open("tones.raw", "wb").write(data)
header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16, b"data", len(data))
open("tones.wav", "wb").write(header + data)
# As a program writes it that does not know the length.
open("pipe.wav", "wb").write(header[:4] + b"\xff" * 4 + header[8:40] + b"\xff" * 4 + data)
PY

if "$infer" transcribe tones.wav "${quick[@]}" -f txt,srt,vtt,json,jsonl,csv,tsv,lrc -o out --print json >printed.json; then
  pass "infer: all formats"
else
  fail "infer: all formats" "exit code $?"
fi
same "infer: printed as written" printed.json out/tones.json
equal "infer: files" "$(cd out && echo *)" "tones.csv tones.json tones.jsonl tones.lrc tones.srt tones.tsv tones.txt tones.vtt"
equal "infer: JSON" "$(python3 -c '
import json
document = json.load(open("out/tones.json", encoding="utf-8"))
lines = [json.loads(line) for line in open("out/tones.jsonl", encoding="utf-8")]
print(sorted(document), document["duration"], document["segments"] == lines)')" \
  "['duration', 'language', 'segments', 'task', 'text'] 1.0 True"
equal "infer: csv and tsv" "$(head -n 1 out/tones.csv) $(head -n 1 out/tones.tsv)" $'start,end,text start\tend\ttext'

"$infer" transcribe - "${quick[@]}" --print json <pipe.wav >pipe.json || fail "infer: pipe" "exit code $?"
same "infer: WAV from a pipe" pipe.json out/tones.json
"$infer" transcribe - "${quick[@]}" --raw s16le:16000:1 --print json <tones.raw >raw.json || fail "infer: raw" "exit code $?"
same "infer: samples without a header" raw.json out/tones.json
"$infer" transcribe tones.wav "${quick[@]}" --threads 1 --print json >one.json || fail "infer: one thread" "exit code $?"
same "infer: the same for any number of threads" one.json out/tones.json

for format in flac mp3 ogg; do
  if "$infer" transcribe "$testdata/tone.$format" "${quick[@]}" --print none; then
    pass "infer: $format"
  else
    fail "infer: $format" "exit code $?"
  fi
done
"$infer" transcribe tones.wav "${quick[@]}" --word-timestamps --max-len 10 --print json >words.json || fail "infer: words" "exit code $?"
equal "infer: words" "$(python3 -c 'import json; print("words" in json.load(open("words.json", encoding="utf-8")))')" True
equal "infer: progress for programs" \
  "$("$infer" transcribe tones.wav "${quick[@]:0:8}" --progress json --print none 2>&1 | python3 -c '
import json, sys
last = [json.loads(line) for line in sys.stdin][-1]
print(sorted(last), last["done"] == last["total"])')" "['done', 'elapsed', 'file', 'total'] True"
"$infer" bench --model test.bin --device cpu --runs 1 --tokens 4 --format json >bench.json || fail "infer: bench" "exit code $?"
equal "infer: bench" "$(python3 -c 'import json; print(json.load(open("bench.json"))["encode_ms"] > 0)')" True

# Broken input.
head -c 20000 tones.wav >short.wav
head -c 3000 "$testdata/tone.flac" >short.flac
printf 'not a sound' >text.wav
: >empty.wav
fails "file that ends early" 1 \
  "error: audio: short.wav: got 9978 samples in each channel: the file is damaged, or ends early, expected 16000, as its header says" \
  "$infer" transcribe short.wav "${quick[@]}"
fails "no sound file" 1 \
  "error: audio: text.wav: got bytes that begin with 'not a so', expected WAV, AIFF, FLAC, MP3 or Ogg Vorbis
hint: ffmpeg -i FILE -f wav - | infer transcribe -" \
  "$infer" transcribe text.wav "${quick[@]}"
fails "empty file" 1 "error: audio: empty.wav: got no bytes, expected WAV, AIFF, FLAC, MP3 or Ogg Vorbis" \
  "$infer" transcribe empty.wav "${quick[@]}"
fails "sound that is too long" 1 "error: audio: tones.wav: got more than 0.5 s of sound, expected at most that" \
  "$infer" transcribe tones.wav "${quick[@]}" --max-duration 0.5
fails "no model" 1 "error: cannot open model: none.bin: No such file or directory" "$infer" transcribe tones.wav --model none.bin
fails "unknown flag" 2 "error: flags: infer transcribe: The following argument was not expected: --lang
hint: infer transcribe --help" "$infer" transcribe tones.wav --model test.bin --lang en
"$infer" transcribe short.flac missing.wav tones.wav "${quick[@]}" -f txt -o some --print none 2>/dev/null
equal "infer: one good file of three" "$? $(cd some && echo *)" "1 tones.txt"
"$infer" transcribe tones.wav --model test.bin --device cuda 2>no_gpu.txt
equal "infer: no GPU" "$? $(head -c 7 no_gpu.txt)" "3 error: "
"$infer" model show test.bin >/dev/full 2>full.txt
equal "infer: output that cannot be written" "$? $(cat full.txt)" \
  "1 error: output: standard output: got an error, expected to write all of it"
exit "$FAILED"
