#!/usr/bin/env bash
# How much speech `infer transcribe --vad` misses and how much noise it keeps, on made sounds: a recording and synthetic speech in
# noise of several kinds. Prints the table of docs/infer.md. Needs espeak-ng, and Python with numpy.
#
#   VAD_PYTHON     a Python that has numpy                         (default: python3)
#   FIND_SPEECH    another program that prints spans, to compare   (default: ours)
#   RULES_INFERENCE_SHARED  where testdata/whisper/jfk.wav is      (left out without)
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

command -v espeak-ng >/dev/null || {
  echo 'SKIP: espeak-ng is not installed'
  exit 0
}
if [[ -z ${FIND_SPEECH:-} ]]; then
  "${BAZEL_CMD:-$PWD/bazelw}" build //plugins/infer/decode:find_speech
  FIND_SPEECH=bazel-bin/plugins/infer/decode/find_speech
fi
"${VAD_PYTHON:-python3}" tests/manual/voice_activity.py "$FIND_SPEECH" \
  ${RULES_INFERENCE_SHARED:+"$RULES_INFERENCE_SHARED/testdata/whisper/jfk.wav"}
