#!/usr/bin/env bash
# From one program to a release, its lock, and the choice among its archives on machines of different kinds.
# Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/e2e/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.bash"

bases=(first)
copy_workspace
dist=$scratch/dist

# refused TARGET TEXT: the build of the target fails, and says TEXT.
refused() {
  run first build "//:$1"
  check "$1 is refused" $? 1
  check_message "$1 says why" "$2"
}

# --- the release -------------------------------------------------------------------------------------------------------

run first run //:release --embed_label=1.2.3 -- --url-template "file://$dist/{archive}" "$dist"
check "a release is copied out" $? 0
check "archives, sums and lock" "$(cd "$dist" && find . -type f | LC_ALL=C sort | paste -sd' ')" \
  "./SHA256SUMS ./demo-1.2.3-linux-x86_64-cpu.tar.gz ./demo-1.2.3-linux-x86_64-cuda-cublas-sm90.tar.gz ./demo-1.2.3-linux-x86_64-cuda-sm86.tar.gz ./demo-1.2.3-linux-x86_64-cuda-sm90.tar.gz ./release.variants.lock.json"
check "the sums are right" "$(cd "$dist" && sha256sum --quiet -c SHA256SUMS && echo right)" right
# Sizes, digests and the libc are those of this machine's compiler.
python3 - "$dist/release.variants.lock.json" >"$scratch/rows" <<'EOF'
import json, sys
lock = json.load(open(sys.argv[1]))
print(lock["version"], lock["url_template"].rpartition("/")[2])
for row in lock["variants"]:
    wants = row.get("properties", {})
    wants.pop("libc", None)
    print(row["name"], row["platform"], row.get("format", row.get("not_available")), json.dumps(wants, sort_keys=True))
EOF
check "the lock" "$(diff "$here/rows.golden" "$scratch/rows" && echo same)" same
check "an archive" "$(tar -tvf "$dist/demo-1.2.3-linux-x86_64-cuda-sm86.tar.gz" | grep -c ' 0/0 .* 1970-01-01 .*\(bin/demo\|libgreet.so\|notes.txt\)$')" 3

run first run //:release --embed_label=1.2.3 -- --url-template "file://$dist/{archive}" "$dist"
check "the same again changes nothing" $? 0
printf 'x' >>"$dist/demo-1.2.3-linux-x86_64-cpu.tar.gz"
run first run //:release --embed_label=1.2.3 -- --url-template "file://$dist/{archive}" "$dist"
check "other bytes under a released name are refused" $? 1
check_message "it names the file" "demo-1.2.3-linux-x86_64-cpu.tar.gz: got sha256"
truncate -s -1 "$dist/demo-1.2.3-linux-x86_64-cpu.tar.gz"

# Only the last small action knows the version.
run first run //:release --embed_label=1.2.4 -- "$scratch/next"
check "another version" "$? $(cut -c 1-64 "$dist/SHA256SUMS" | diff - <(cut -c 1-64 "$scratch/next/SHA256SUMS") && echo "same archives")" "0 same archives"
# The other one is Bazel's own.
check "one action for it" "$(grep -oE '[0-9]+ total actions' "$scratch/err")" "2 total actions"

run first build //:named
check "a platform by its label" $? 0

run first build //:declared
check "libraries that are declared" $? 0
run first cquery --output=files --output_groups=lock //:declared
run first info execution_root
check "they are in the lock" "$(grep -h sonames "$(tail -n 1 "$scratch/out")"/bazel-out/*/bin/declared.variants.lock.json | tr -d ' ')" '"sonames":["libgreet.so"]'

# --- what is refused ---------------------------------------------------------------------------------------------------

refused wrong_cpu "error: variants lock: //:wrong_cpu: cpu for linux-x86_64: got an archive with CUDA code, expected accelerator cpu as the row says"
refused wrong_arch "//:wrong_arch: cuda-sm86 for linux-x86_64: got no code for sm_86 in the archive, which has sm_90a, expected cubins sm_86 as the row says"
refused wrong_more "error: release: //:wrong_more: sm86 for linux-x86_64: got code for sm_90a in 'demo_more', expected code for sm_86 only"
refused wrong_none "//:wrong_none: cuda-sm86 for linux-x86_64: got an archive without CUDA code, expected code for sm_86 as the row says"
refused wrong_incompatible "//:wrong_incompatible is incompatible and cannot be built"

run first test //:exact_test
check "exactly this code" $? 0
run first test --test_output=errors //:inexact_test
check "more code than that" $? 3
check "it says which" "$(grep -h '^error: cubins' "$scratch/out" "$scratch/err")" "error: cubins: demo_more: got sm_86, sm_90a, expected sm_86"

# --- the lock is what variant rules take -------------------------------------------------------------------------------

# chosen HOST: what the program prints that a machine of this kind gets.
chosen() {
  run first build --@rules_inference//rules:host="//:$1" @demo//:artifact || {
    echo "the build failed"
    return
  }
  run first cquery --@rules_inference//rules:host="//:$1" --output=files @demo//:artifact
  local directory
  directory=$(tail -n 1 "$scratch/out")
  "$scratch/first/execroot/$workspace/$directory/bin/demo" 2>&1
}

cp "$dist/release.variants.lock.json" "$workspace_dir/demo.lock.json"
run first info execution_root
workspace=$(basename -- "$(tail -n 1 "$scratch/out")")
# The number is the size of the fat binary.
check "8.6 gets sm86" "$(chosen a10)" "hello cuda 3064"
check "8.9 gets sm86" "$(chosen l4)" "hello cuda 3064"
check "9.0 gets sm90" "$(chosen h200)" "hello cuda 3640"
check "9.0 with the library gets the one that opens it" "$(chosen h200_cublas)" "hello cuda 3640-cublas"
check "10.0 gets cpu" "$(chosen b200)" "hello cpu"

exit "$failed"
