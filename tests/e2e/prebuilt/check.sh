#!/usr/bin/env bash
# Prebuilt plugins in an outside workspace on a machine without a compiler: nothing is compiled, no source is fetched, and what
# users read when a set of plugins is not right. Environment: see lib.bash, and
#
#   PLUGIN_SET  folder with a set of plugins, made here when it is empty (default: a new one)
set -uo pipefail
# shellcheck source=tests/e2e/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.bash"

bases=(first)

# --- the set -----------------------------------------------------------------------------------------------------------

make_plugin_set || exit 1
cp -r "$PLUGIN_SET" "$scratch/files"
chmod -R u+w "$scratch/files"
python3 files.py make "$scratch" || exit 1
copy_workspace
start_server files.py
python3 files.py lock "$scratch" "$(cat "$scratch/port")" || exit 1
archive=$(cd "$scratch/files" && echo rules_inference_plugins-*.tar.gz)

# --- a machine without a compiler --------------------------------------------------------------------------------------

mkdir "$scratch/bin"
IFS=: read -r -a folders <<<"$PATH"
for folder in "${folders[@]}"; do
  [[ -d $folder ]] && ln -sf -t "$scratch/bin" "$folder"/* 2>/dev/null
done
find "$scratch/bin" -regextype posix-extended -regex '.*/([a-z0-9_]+-linux-gnu-)?(cc|c\+\+|c[89]9|c[89]9-gcc|gcc|g\+\+|cpp|clang|clang\+\+|ld|as|ar)(-[0-9.]+)?' -delete
export PATH=$scratch/bin CC=/nonexistent
check "there is no compiler" "$(command -v cc c++ gcc g++ clang)" ""
run() {
  local base=$1 command=$2
  shift 2
  bazel_in "$base" "$command" --repository_cache="$scratch/repository_cache" --repo_env=CC=/nonexistent \
    --repo_env=BAZEL_DO_NOT_DETECT_CPP_TOOLCHAIN=1 "$@"
}

# mnemonics: what the last build with a log has run.
mnemonics() {
  python3 - "$scratch/log.json" <<'PY'
import json, sys
text, at, names = open(sys.argv[1]).read(), 0, set()
while at < len(text):
    value, at = json.JSONDecoder().raw_decode(text, at)
    names.add(value["mnemonic"])
    at += len(text[at:]) - len(text[at:].lstrip())
print(" ".join(sorted(names)))
PY
}

# Nor is there what another workspace has compiled.
log=(--disk_cache= --execution_log_json_file="$scratch/log.json")

run first build "${log[@]}" //:image
check "an image is built" $? 0
check "by these actions" "$(mnemonics)" "FileLayer OciLayout OciManifest WheelLayer"
check "a wheel and one archive of programs are fetched" "$(requests)" "alpha-1.0-py3-none-any.whl $archive"
run first test "${log[@]}" //:all
check "all that runs or ships a program" $? 0
check "by these actions too" "$(mnemonics)" "ReleaseArchive ReleaseLock ReleaseRow TestRunner VariantUnpack WheelTree WheelVenv"
check "archives of programs are fetched once" "$(requests)" "cpu.tar.gz npu.tar.gz"
# A configured target of a library would be there, had anything been compiled.
run first cquery --output=starlark --starlark:expr='target.label.repo_name' 'deps(//:all)'
check "no target is of another project" \
  "$(sed -E '/^$/d; s/.*[~+]//' "$scratch/out" | LC_ALL=C sort -u | grep -vE '^(bazel_tools|internal_platforms_do_not_use|demo.*|platforms|rules_(inference.*|shell)|wheels.*)$')" ""
if [[ $mode == workspace ]]; then
  # In the other mode overrides of modules would be there, as Bazel reads their MODULE.bazel.
  check "no source is fetched" "$(cd "$scratch/first/external" &&
    ls -d abseil-cpp boringssl cli11 com_google_protobuf curl highway libdeflate miniaudio xz zlib zstd 2>/dev/null)" ""
fi

run first info bazel-bin
bin=$(tail -n 1 "$scratch/out")
check "a launcher starts the variant for this machine" "$("$bin/serve" x 2>&1)" "cpu x"
run first run //:load -- --output "$scratch/image.tar"
check "an image is exported" "$? $(tar -tf "$scratch/image.tar" | grep -cx manifest.json)" "0 1"
run first run @rules_inference//:inferctl -- version
check "the user's command line is one of them" "$? $(tail -n 1 "$scratch/out")" "0 inferctl 0.1.0"

# --- refusals ----------------------------------------------------------------------------------------------------------

where="@@\?//:rules_inference.lock.json"

# refused NAME JSON TEXT: with a lock that is changed in this way the build fails, and a line is TEXT, a regular expression.
refused() {
  python3 "$here/files.py" change "$scratch" "$2"
  run first build //:image
  check "$1 is refused" $? 1
  if grep -qx -- "$3" "$scratch/err"; then check "$1: the message" said said; else check "$1: the message" "no such line" "$3"; fi
}

zeros=0000000000000000000000000000000000000000000000000000000000000000
requests >/dev/null
refused "another version" '{"version": "0.0.9"}' \
  "error: plugins: $where: got plugins of version '0.0.9', expected 0.1.0, the version of rules_inference"
refused "another artifact" '{"artifact": "demo"}' "error: plugins: $where: got a lock of 'demo', expected one of rules_inference_plugins"
refused "a lock without the platform" '{"row": {"platform": "linux-aarch64"}}' \
  ".*error: plugins: $where: got a platform without a row, expected one of linux-aarch64"
check "nothing is fetched for those" "$(requests)" ""
refused "an archive with other bytes" '{"row": {"sha256": "'$zeros'"}}' \
  "error: variant archive: rules_inference_plugins (linux-x86_64): got nothing usable from http://127.0.0.1:.*/$archive, see the warnings above, expected the file with sha256:$zeros as specified"
refused "an archive without the programs" '{"row": {"file": "half.tar.gz"}}' \
  "error: plugins: $where: linux-x86_64: got an archive without bin/cuda_archs_test, .* bin/wheel, expected all programs of rules_inference 0.1.0"
python3 "$here/files.py" change "$scratch" '{"version": "0.1.0+team.1"}'
run first build //:image
check "a build of one's own of the same version is not" $? 0

# --- back to source ----------------------------------------------------------------------------------------------------

run first query --repo_env=RULES_INFERENCE_PLUGINS=source 'deps(@rules_inference//toolchains/plugins:layer, 2)'
check "source can be asked for" "$(grep -c 'rules_inference//plugins/layer:layer$' "$scratch/out")" 1
run first query --repo_env=RULES_INFERENCE_PLUGINS=mine 'deps(@rules_inference//toolchains/plugins:layer, 2)'
check_message "and nothing else" "error: plugins: RULES_INFERENCE_PLUGINS: got 'mine', expected 'source' or nothing"
if [[ $mode == module ]]; then
  echo 'plugins.prebuilt(lock = "//:demo.lock.json")' >>"$workspace_dir/MODULE.bazel"
  run first build //:image
  check_message "one lock only" "error: plugins.prebuilt: MODULE.bazel: got @@//:rules_inference.lock.json and @@//:demo.lock.json, expected one lock"
else
  sed -i '/^plugins_prebuilt/d; $a plugins_prebuilt(lock = "//:rules_inference.lock.json")' "$workspace_dir/WORKSPACE"
  run first build //:image
  check_message "not after the defaults" \
    "error: plugins_prebuilt: WORKSPACE: got plugins that are declared already, expected one call of it, before rules_inference_dependencies()"
fi

exit "$failed"
