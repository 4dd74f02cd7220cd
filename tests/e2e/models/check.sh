#!/usr/bin/env bash
# Models in an outside workspace, as files and by reference: which one is taken, what is fetched, and what is refused.
# Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/e2e/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.bash"

bases=(first second)

# content_of BASE TARGET FLAG...: all files of a target.
content_of() {
  local base=$1 target=$2 file
  shift 2
  run "$base" build "$@" "$target" || {
    echo "the build failed"
    return
  }
  run "$base" cquery "$@" --output=files "$target"
  while read -r file; do
    cat "$scratch/$base/execroot/$workspace/$file"
    echo
  done < <(LC_ALL=C sort "$scratch/out") | sed '/^$/d' | paste -sd'|'
}

python3 models.py make "$scratch" || exit 1
copy_workspace
start_server models.py
python3 models.py lock "$scratch" "$(cat "$scratch/port")" || exit 1
run first info execution_root
workspace=$(basename -- "$(tail -n 1 "$scratch/out")")

# --- by reference: nothing is fetched ------------------------------------------------------------------------------------

run first build --repository_disable_download @reference//whisper:manifest //:whisper_reference
check "manifests without any download" "$? $(requests)" "0 "
run first cquery --output=files @reference//whisper:manifest
manifest=$scratch/first/execroot/$workspace/$(tail -n 1 "$scratch/out")
check "a manifest is a lock of the one model" "$(python3 -c 'import json, sys
print([(m["name"], m["variant"], [f["path"] for f in m["files"]]) for m in json.load(open(sys.argv[1]))["models"]])' "$manifest")" \
  "[('whisper', 'f16', ['config.json', 'sub/ggml-base.bin'])]"
check "a rule sees that there is no file" "$(content_of first //:whisper_reference)" "whisper f16 reference"
run first build @reference//whisper:files
check "there are no files" $? 1
check_message "and it is said why" 'error: model: @reference//whisper:files: got mode = "reference", in which there are no files, expected mode = "hermetic"'

# The tool is that of the repository: an outside workspace would compile it once more.
if (cd "$repo" && "${bazel[@]}" build //plugins/inferctl && cp -fL "$("${bazel[@]}" info bazel-bin 2>/dev/null)/plugins/inferctl/inferctl" "$scratch/inferctl") \
  >"$scratch/out" 2>"$scratch/err"; then
  inferctl=$scratch/inferctl
  "$inferctl" models materialise "$manifest" --to "$scratch/served" --store "$scratch/store" >"$scratch/out" 2>"$scratch/err"
  check "the manifest becomes files where they are used" "$? $(cat "$scratch/served/sub/ggml-base.bin" "$scratch/served/config.json")" "0 lmgg f16{}"
  check "those, and no others" "$(requests)" "whisper-f16-config.json whisper-f16-sub-ggml-base.bin"
else
  check "inferctl builds" "$?" 0
fi

# --- as files ------------------------------------------------------------------------------------------------------------

start=$(date +%s%N)
run first build --nobuild @models//many7
status=$?
echo "one of 412 models is loaded and analysed in $((($(date +%s%N) - start) / 1000000)) ms"
check "one of 412 models is fetched" \
  "$status $(requests) $(find "$scratch/first/external" -maxdepth 1 -type d -name '*models__m*' | sed 's/.*models__//' | paste -sd' ')" \
  "0 many7--model.bin many7"
check "the first variant is taken" "$(content_of first @models//whisper)" "{}|lmgg f16"
check "only its files are fetched" "$(requests)" "whisper-f16-config.json whisper-f16-sub-ggml-base.bin"
check "a rule sees paths and formats" "$(content_of first //:whisper)" "whisper f16 files|config.json json config.json|sub/ggml-base.bin ggml ggml-base.bin"
run first build --output_groups=+manifest //:artifact //:reference_artifact && run first cquery --output=files //:artifact
layout=$scratch/first/execroot/$workspace/$(tail -n 1 "$scratch/out")
check "an artifact whose blobs are the files" "$(python3 models.py artifact "$layout")" \
  "whisper f16: config.json weight.config.v1.raw {}, sub/ggml-base.bin weight.v1.raw lmgg f16"
if command -v skopeo >/dev/null; then
  skopeo copy --quiet "oci:$layout:latest" "dir:$scratch/copied" 2>"$scratch/err"
  check "skopeo copies it" "$? $(cat "$scratch/copied/$(printf 'lmgg f16' | sha256sum | cut -d' ' -f1)")" "0 lmgg f16"
else
  skip "skopeo copies it" "skopeo is not installed"
fi
check "its manifest needs no file" "$(cmp "$(dirname -- "$layout")"/{artifact,reference_artifact}.manifest.json && echo same)" same
check "a layer" "$(run first build @models//whisper:layer && run first cquery --output=files @models//whisper:layer &&
  tar -tvf "$scratch/first/execroot/$workspace/$(tail -n 1 "$scratch/out")" | awk '$1 !~ /^d/ { print $1, $6 }' | paste -sd'|')" \
  "-r--r--r-- models/whisper/config.json|-r--r--r-- models/whisper/sub/ggml-base.bin"
check "the files alone" "$(content_of first @models//whisper:files)" "{}|lmgg f16"
check "a variant for all models" "$(content_of first @models//whisper --@models//:variant=q5_1)" "lmgg q5_1"
check "which models without it do not mind" "$(content_of first @models//m3 --@models//:variant=q5_1)" "lmgg 3"
check "a variant for one model" "$(content_of first @models//whisper --@models//whisper:variant=q5_1)" "lmgg q5_1"
check "a named variant" "$(content_of first @models//whisper:model_q5_1)" "lmgg q5_1"
check "what fits into the memory" "$(content_of first @models//whisper --@models//:memory=3000)" "lmgg q5_1"
check "with a unit" "$(content_of first @models//whisper --@models//:memory=1MB)" "{}|lmgg f16"
requests >/dev/null

run first build @models//whisper --@models//:memory=1000
check "nothing that fits" $? 1
check_message "it says what is needed" "error: model: @models//whisper: got memory of 1000 bytes, expected what one of them needs: f16 4000, q5_1 2000"
run first build @models//whisper --@models//whisper:variant=q9
check "no such variant" $? 1
check_message "it names those that are" "error: model: @models//whisper: got variant \"q9\", expected one of f16, q5_1"
run first build @models//pickled
check "a pickle" $? 1
check_message "it is refused" 'error: model refused: @models//pickled: model.pt: got a pickle, which runs code when it is loaded, expected safetensors, gguf, ggml, onnx, tflite, json or text'
check "before it is fetched" "$(requests)" ""
run first build @pickles//pickled
check "unless the user says so" "$? $(requests)" "0 pickled--model.pt"
run first build @models//broken
check "other bytes" $? 1
check_message "they end the build" "error: model: broken: broken.bin: got nothing usable from http://127.0.0.1:"

run first build @models//gated
check "a model that is not for everybody" $? 1
check_message "without credentials" "error: model: gated: model.bin: got nothing usable from http://127.0.0.1:"
echo "machine 127.0.0.1 login me password s3cret" >"$scratch/netrc"
check "credentials of netrc" "$(content_of first @models//gated --repo_env=NETRC="$scratch/netrc")" "lmgg gated"
check "which stay secret" "$(cat "$scratch/out" "$scratch/err" "$scratch"/first/external/*gated/* 2>/dev/null | grep -c s3cret)" 0
requests >/dev/null

kill "$server"
wait "$server" 2>/dev/null
check "another output base, no server" "$(content_of second @models//whisper --repository_disable_download)" "{}|lmgg f16"

exit "$failed"
