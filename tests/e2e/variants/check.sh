#!/usr/bin/env bash
# Variant artifacts in an outside workspace: what is selected, what is fetched, and what users read when it cannot be had.
# Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/e2e/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.bash"

bases=(first second)

# output_of BASE TARGET FLAG...: what the selected program prints.
output_of() {
  local base=$1 target=$2 directory
  shift 2
  run "$base" build "$@" "$target" || {
    echo "the build failed"
    return
  }
  run "$base" cquery "$@" --output=files "$target"
  directory=$(tail -n 1 "$scratch/out")
  "$scratch/$base/execroot/$workspace/$directory/bin/demo" 2>&1
}

python3 archives.py make "$scratch" || exit 1
copy_workspace
start_server archives.py
python3 archives.py lock "$scratch" "$(cat "$scratch/port")" || exit 1
run first info execution_root
workspace=$(basename -- "$(tail -n 1 "$scratch/out")")

rules=@rules_inference//rules

# --- what is selected, and that nothing else is fetched ----------------------------------------------------------------

check "an unknown host gets cpu" "$(output_of first @demo//:artifact)" "cpu"
check "one archive is fetched" "$(requests)" "cpu.tar.gz"
check "9.0 gets sm90" "$(output_of first @demo//:artifact --$rules:host=@hosts//:h200)" "cuda-cudnn-sm90"
check "an archive in parts" "$(requests)" "cuda-cudnn-sm90.part0 cuda-cudnn-sm90.part1"
check "8.9 gets sm86" "$(output_of first @demo//:artifact --$rules:host=@hosts//:l4)" "cuda-sm86"
check "a zip" "$(requests)" "cuda-sm86.zip"
check "8.0 gets the PTX of sm75, not sm86" "$(output_of first @demo//:artifact --$rules:host=@hosts//:a100)" "cuda-sm75"
check "a tar.xz" "$(requests)" "cuda-sm75.tar.xz"
check "two devices get what runs on both" "$(output_of first @demo//:artifact --$rules:host=@hosts//:mixed)" "cuda-sm75"
check "any device" "$(output_of first @demo//:artifact --$rules:host=@hosts//:mixed --$rules:devices=any)" "cuda-cudnn-sm90"
check "an old driver gets cpu" "$(output_of first @demo//:artifact --$rules:host=//:old_driver)" "cpu"
check "a request that is not available falls back" \
  "$(output_of first @demo//:artifact --$rules:host=@hosts//:a100 --$rules:variant=cuda-cudnn-sm80)" "cuda-sm75"
check "a request for an unknown host" "$(output_of first @demo//:artifact --$rules:variant=cuda-sm86)" "cuda-sm86"
check "the flag of one artifact" "$(output_of first @demo//:artifact --@demo//:variant=cuda-sm75)" "cuda-sm75"
check "a chain" "$(output_of first @demo_chain//:artifact --$rules:host=@hosts//:h200)" "cpu"
check "a named variant" "$(output_of first @demo//:cuda-sm75)" "cuda-sm75"
check "nothing is fetched twice" "$(requests)" ""

run first build --$rules:host=@hosts//:a100 @demo//:explain
run first cquery --$rules:host=@hosts//:a100 --output=files @demo//:explain
cp "$scratch/first/execroot/$workspace/$(tail -n 1 "$scratch/out")" "$scratch/explain.txt"
check "the explanation is the golden one" "$(diff "$here/explain.golden" "$scratch/explain.txt" && echo same)" same

# --- refusals ----------------------------------------------------------------------------------------------------------

run first build @demo//:cuda-cudnn-sm80
check "a named variant that is not available fails" $? 1
check_message "it says why, and what there is" \
  "(linux-x86_64): got 'the release does not build it', expected one of cpu, cuda-sm75, cuda-sm86, cuda-cudnn-sm90"
run first build --$rules:variant=require:cuda-sm86 --$rules:host=@hosts//:a100 @demo//:artifact
check "a hard requirement does not fall back" $? 1
check_message "it says so" "cuda-sm86"
run first build --$rules:variant=cuda-cudnn-sm80 --no$rules:variant_fallback @demo//:artifact
check "without fallback" $? 1
run first build --platforms=//:linux_aarch64 @demo//:artifact
check "a platform without rows fails" $? 1
check_message "it names the platform" "linux-aarch64"
requests >/dev/null

# Fallback is for what is absent in the lock, never for what is wrong on a server.
while IFS='|' read -r name text; do
  run first build --$rules:variant="$name" --$rules:host=@hosts//:a100 @broken//:artifact
  check "$name fails the build" $? 1
  check_message "$name is explained" "$text"
  check "$name does not fall back" "$(requests | tr ' ' '\n' | grep -c cpu)" 0
done <<'EOF'
gone|error: variant archive: broken gone (linux-x86_64): got nothing usable from http://127.0.0.1:
truncated|error: variant archive: broken truncated (linux-x86_64): got nothing usable from http://127.0.0.1:
redirect|error: variant archive: broken redirect (linux-x86_64): got nothing usable from http://127.0.0.1:
html|error: variant archive: broken html (linux-x86_64): got nothing usable from http://127.0.0.1:
changed|, expected the file with sha256:0000000000000000000000000000000000000000000000000000000000000000 as specified
page| (a web page), expected the file with sha256:0000000000000000000000000000000000000000000000000000000000000000 as specified
dotdot|entry '../escaped': got a name that is not safe, expected a relative path without '..'
absolute|entry '/etc/escaped': got a name that is not safe, expected a relative path without '..'
link|entry 'demo-link/lib/out': got a symlink to '../../../outside', expected a relative target inside the archive
EOF
if [[ -e $scratch/files/zstandard.tar.zst ]]; then
  check "a tar.zst" "$(output_of first @broken//:zstandard)" zstandard
else
  skip "a tar.zst" "no zstd here"
fi

# --- several variants in one program -----------------------------------------------------------------------------------

# served HOST ARGUMENT...: what the launcher's choice prints on a machine like HOST.
served() {
  local host=$1
  shift
  INFERENCE_HOST=$host "$launcher" "$@" 2>&1
}

printf '{"descriptor_version":1,"cpu_level":"x86-64-v3"}\n' >"$scratch/no_device.json"
run first build //:serve //:serve_layer
check "a launcher is built" $? 0
run first cquery --output=files //:serve
launcher=$scratch/first/execroot/$workspace/$(grep -v json "$scratch/out" | tail -n 1)
check "a machine with a device" "$(served "$here/hosts/l4.json" "a b" c)" "cuda-sm86 a b c"
check "a machine without" "$(served "$scratch/no_device.json" x)" "cpu x"
check "a machine whose device it has no code for" "$(served "$here/hosts/a100.json" x)" "cpu x"
check "a request" "$(INFERENCE_VARIANT=cpu served "$here/hosts/l4.json" x)" "cpu x"
check "a request that the machine cannot run" "$(INFERENCE_VARIANT=cuda-sm86 served "$scratch/no_device.json" x)" \
  "inference: demo: cuda-sm86 cannot run here (the host has no CUDA device); using cpu
cpu x"
check "a hard request that the machine cannot run" "$(INFERENCE_VARIANT=require:cuda-sm86 served "$scratch/no_device.json" x)" \
  "error: variant: demo for linux-x86_64: got none of cuda-sm86 (the host has no CUDA device), expected one of cpu"
INFERENCE_HOST=$here/hosts/l4.json run first run //:serve -- "a b"
check "bazel run" "$(tail -n 1 "$scratch/out")" "cuda-sm86 a b"
run first cquery --output=files //:serve_layer
mkdir "$scratch/root"
tar -xzf "$scratch/first/execroot/$workspace/$(grep -v json "$scratch/out" | head -n 1)" -C "$scratch/root"
launcher=$scratch/root/app/serve
check "in an image" "$(served "$here/hosts/l4.json" x)" "cuda-sm86 x"

# --- scale and offline -------------------------------------------------------------------------------------------------

requests >/dev/null
run first build @many//:artifact
check "one of 200 variants is fetched" \
  "$? $(find "$scratch/first/external" -maxdepth 1 -type d -name '*many__*' | sed 's/.*many__//')" "0 linux-x86_64__cpu"

kill "$server"
wait "$server" 2>/dev/null
check "another output base, no server" "$(output_of second @demo//:artifact --repository_disable_download --$rules:host=@hosts//:h200)" "cuda-cudnn-sm90"

exit "$failed"
