#!/usr/bin/env bash
# A provider plugin of a user: their inferctl finds the accelerator, its descriptor decides in builds that know nothing of
# the provider, and the explanation names the property. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/e2e/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.bash"

bases=(base)
workspace_dir=$scratch/workspace
cp -r "$here" "$workspace_dir"
sed -i "s#\"../../..\"#\"$repo\"#" "$workspace_dir/MODULE.bazel" "$workspace_dir/WORKSPACE"
python3 "$here/locks.py" "$scratch" || exit 1
# Until `detect` has written them.
for name in npu_box old_npu_box plain_box; do echo '{"descriptor_version": 1}' >"$workspace_dir/hosts/$name.json"; done

run() { bazel_in base "$@"; }

run build //:inferctl //:inferctl_with_two
check "inferctl with a provider builds" $? 0
run info bazel-bin
bin=$(tail -n 1 "$scratch/out")
run info execution_root
root=$(tail -n 1 "$scratch/out")

# --- on the machine ----------------------------------------------------------------------------------------------------

# detect NAME FILE: writes the descriptor of a machine with this driver file.
detect() { NPU_VERSION_FILE=$2 "$bin/inferctl" detect -o "$workspace_dir/hosts/$1.json" >"$scratch/out" 2>"$scratch/err"; }

# npu_of NAME: the values of npu::generation in a descriptor.
npu_of() {
  python3 - "$workspace_dir/hosts/$1.json" <<'PY'
import json, sys
host = json.load(open(sys.argv[1]))
print([item["values"] for item in host.get("properties", []) if (item["namespace"], item["feature"]) == ("npu", "generation")], "platform" in host)
PY
}

echo "generation 3" >"$scratch/version3"
echo "generation 2" >"$scratch/version2"
echo "firmware missing" >"$scratch/damaged"
detect npu_box "$scratch/version3"
check "detect finds it" "$? $(npu_of npu_box)" "0 [['3', '2']] True"
detect old_npu_box "$scratch/version2"
check "detect finds an older one" "$? $(npu_of old_npu_box)" "0 [['2', '1']] True"
detect plain_box "$scratch/absent"
check "a machine without" "$? $(npu_of plain_box) $(cat "$scratch/err")" "0 [] True "
cp "$workspace_dir/hosts/plain_box.json" "$scratch/plain_box.json"
detect plain_box "$scratch/damaged"
check "what cannot be read is a note, and the rest is true" "$? $(npu_of plain_box) $(grep npu "$scratch/err")" \
  "0 [] True note: npu: driver: $scratch/damaged: got 'firmware missing', expected 'generation <number>'"
detect plain_box /proc/sys/kernel/ostype
check "a file of the kernel, which says that it is empty" "$(grep -c "ostype: got 'Linux', expected" "$scratch/err")" 1
cp "$scratch/plain_box.json" "$workspace_dir/hosts/plain_box.json"
check "what detect says for a BUILD file" "$(NPU_VERSION_FILE=$scratch/version3 "$bin/inferctl" detect --build | grep npu)" \
  '        "npu::generation": ["3", "2"],'
check "select on this machine" "$(NPU_VERSION_FILE=$scratch/version3 "$bin/inferctl" select "$workspace_dir/demo.lock.json" | grep '^chosen')" \
  "chosen    npu-gen3"
check "variants on this machine" "$(NPU_VERSION_FILE=$scratch/version3 "$bin/inferctl" variants install "$workspace_dir/demo.lock.json" \
  --prefix "$scratch/prefix" --store "$scratch/store" | head -n 1) $("$scratch/prefix/demo/current/bin/demo")" \
  "demo 1.0: npu-gen3 is active, generation 1 npu-gen3"

"$bin/inferctl_with_two" version >"$scratch/out" 2>"$scratch/err"
check "two providers of one name" "$? $(cat "$scratch/err" "$scratch/out")" "1 error: provider: npu: got two of this name, expected one"

# --- in builds ---------------------------------------------------------------------------------------------------------

host=--@rules_inference//rules:host

# program_of FLAG...: what the selected program prints.
program_of() {
  run build "$@" @demo//:artifact || {
    echo "the build failed"
    return
  }
  run cquery "$@" --output=files @demo//:artifact
  "$root/$(tail -n 1 "$scratch/out")/bin/demo" 2>&1
}

# reasons HOST: what the explanation says of the rows.
reasons() {
  run build "$host=@hosts//:$1" @demo//:explain
  run cquery "$host=@hosts//:$1" --output=files @demo//:explain
  sed -n '/^$/,$p' "$root/$(tail -n 1 "$scratch/out")" | sed 1d
}

check "the machine with it gets its variant" "$(program_of "$host=@hosts//:npu_box")" npu-gen3
check "the older one gets the older variant" "$(program_of "$host=@hosts//:old_npu_box")" npu-gen1
check "the machine without gets cpu" "$(program_of "$host=@hosts//:plain_box")" cpu
check "an unknown machine gets cpu" "$(program_of)" cpu
check "the explanation of a machine with it" "$(reasons npu_box)" "cpu       usable
npu-gen3  chosen
npu-gen1  rejected       needs npu::generation of 1, which the host does not have"
check "the explanation of a machine without" "$(reasons plain_box)" "cpu       chosen
npu-gen3  rejected       needs npu::generation of 3, which the host does not have
npu-gen1  rejected       needs npu::generation of 1, which the host does not have"
run build "$host=@hosts//:plain_box" --@rules_inference//rules:variant=require:npu-gen3 @demo//:artifact
check "a hard requirement fails" $? 1
check_message "it names the property" "npu-gen3 (needs npu::generation of 3, which the host does not have)"

exit "$failed"
