#!/usr/bin/env bash
# Runs openai/whisper on the cases of plugins/infer/decode/testdata/oracle and writes what it returns into them. Needs Python with
# torch, numba, tiktoken and openai-whisper 20250625, so it is run by hand; then `git diff` shows whether anything differs.
#
#   ORACLE_PYTHON  a Python that has them                          (default: python3)
#   CASES          names of cases, without .txt                    (default: all)
#   RULES_INFERENCE_SHARED  where testdata/whisper/jfk.wav is      (cases with the recording are left alone without)
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

bazel=${BAZEL_CMD:-$PWD/bazelw}
"$bazel" build //plugins/infer/decode:oracle_inputs
folder=plugins/infer/decode/testdata/oracle
files=()
for file in "$folder"/*.txt; do
  name=$(basename -- "$file" .txt)
  [[ -z ${CASES:-} || " $CASES " == *" $name "* ]] || continue
  if grep -q '^sound jfk$' "$file" && [[ -z ${RULES_INFERENCE_SHARED:-} ]]; then
    printf 'SKIP %s: RULES_INFERENCE_SHARED is not set\n' "$name"
    continue
  fi
  files+=("$file")
done
"${ORACLE_PYTHON:-python3}" tests/manual/oracle.py bazel-bin/plugins/infer/decode/oracle_inputs \
  "${RULES_INFERENCE_SHARED:-}/testdata/whisper/jfk.wav" "${files[@]}"
"${ORACLE_PYTHON:-python3}" tests/manual/oracle.py --alignment-heads plugins/infer/decode/testdata/alignment_heads.txt
