#!/usr/bin/env bash
# CUDA code is compiled to the same bytes in any directory, two clones share a cache, and a change of the list of
# architectures does what has changed and nothing else. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

kinds=(G O3 debug lineinfo plain rdc link)
targets=()
for kind in "${kinds[@]}"; do targets+=("//tests/cuda/identity:$kind"); done
groups=--output_groups=+cuda_images,+cuda_fatbins
repositories=$(bazel info repository_cache 2>/dev/null)

# clone DIRECTORY: the files of the repository at another place.
clone() {
  mkdir -p "$1"
  git ls-files -z | xargs -0 cp -P --parents -t "$1"
}

# in_clone DIRECTORY COMMAND ARGUMENT...: Bazel there, with an output base of its own.
in_clone() {
  local directory=$1 command=$2
  shift 2
  (cd -- "$directory" && "${BAZEL[@]}" --output_base="$directory.base" --max_idle_secs=60 "$command" "${FLAGS[@]}" \
    --repository_cache="$repositories" --remote_download_outputs=all --experimental_convenience_symlinks=ignore "$@") >"$SCRATCH/out" 2>"$SCRATCH/err"
}

# built CHECK DIRECTORY ARGUMENT...
built() {
  local check=$1 directory=$2
  shift 2
  in_clone "$directory" build "$@" && grep -h "Elapsed" "$SCRATCH/err" && return
  fail "$check" "exit code not 0"
  tail -n 30 "$SCRATCH/err" >&2
  exit 1
}

# digests DIRECTORY: sha256 and name of each output of the kinds.
digests() {
  local bin
  in_clone "$1" info bazel-bin || return
  bin=$(<"$SCRATCH/out")
  (cd -- "$bin/tests/cuda/identity" && find -L . -type f -regex '.*\.\(a\|o\|cubin\|ptx\|fatbin\|ii\|cpp\)' -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum)
}

# shellcheck disable=SC2329 # called by cleanup
stop_clone() { in_clone "$1" shutdown; }

# actions LOG: mnemonics and counts of what has run, without what came from a cache.
actions() {
  python3 - "$1" <<'PY'
import collections, json, sys
text, decoder, at = open(sys.argv[1]).read(), json.JSONDecoder(), 0
counts = collections.Counter()
while at < len(text.rstrip()):
    spawn, at = decoder.raw_decode(text, at)
    at += len(text[at:]) - len(text[at:].lstrip())
    if not spawn.get("cacheHit"):
        counts[spawn["mnemonic"]] += 1
print(" ".join(f"{name}={count}" for name, count in sorted(counts.items())))
PY
}

short=$SCRATCH/a
long=$SCRATCH/another/deeper/directory/with_a_longer_name
clone "$short"
clone "$long"
CLEANUP+=("stop_clone $short" "stop_clone $long")

# The tools come from the user's cache; what is compared is made here, in each clone for itself, and goes to caches of its own.
built "tools" "$short" //tests/cuda/identity:warm
built "build" "$short" --disk_cache="$SCRATCH/disk" "$groups" "${targets[@]}"
digests "$short" >"$SCRATCH/short.txt"
in_clone "$short" shutdown
built "tools elsewhere" "$long" //tests/cuda/identity:warm
# A macro that nobody reads: other actions, the same bytes.
built "build elsewhere" "$long" --disk_cache= --copt=-DRULES_INFERENCE_IDENTITY "$groups" "${targets[@]}"
digests "$long" >"$SCRATCH/long.txt"
equal "compared files" "$([[ $(wc -l <"$SCRATCH/short.txt") -ge 60 ]] && echo "60 or more")" "60 or more"
same "same bytes in another directory" "$SCRATCH/long.txt" "$SCRATCH/short.txt"
if grep -rlaF -e "$SCRATCH" "$short.base"/execroot/*/bazel-out/*/bin/tests/cuda/identity >"$SCRATCH/leaks"; then
  fail "no output names the directory" "$(head -n 3 "$SCRATCH/leaks" | paste -sd' ')"
else
  pass "no output names the directory"
fi

built "second clone" "$long" --disk_cache="$SCRATCH/disk" --execution_log_json_file="$SCRATCH/log" "$groups" "${targets[@]}"
equal "all from the cache of the first clone" "$(actions "$SCRATCH/log")" ""

# One architecture more: one device compilation, and each preprocessing, which is told the list. What CppCompile does is the
# object of the fat binary, with and without -fPIC, not the host code.
sed -i 's/^    "sm_80",$/    "sm_80",\n    "sm_120",/' "$long/tests/cuda/identity/BUILD.bazel"
built "add sm_120" "$long" --disk_cache="$SCRATCH/disk" --execution_log_json_file="$SCRATCH/log" //tests/cuda/identity:plain
equal "sm_120 more compiles one cubin" "$(actions "$SCRATCH/log")" \
  "CppArchive=2 CppCompile=2 CudaCompile=1 CudaFatbinary=1 CudaPreprocess=3 CudaSplit=1"
sed -i -e '/^    "sm_80",$/d' "$long/tests/cuda/identity/BUILD.bazel"
built "remove sm_80" "$long" --disk_cache="$SCRATCH/disk" --execution_log_json_file="$SCRATCH/log" //tests/cuda/identity:plain
equal "sm_80 less compiles nothing" "$(actions "$SCRATCH/log")" \
  "CppArchive=2 CppCompile=2 CudaFatbinary=1 CudaPreprocess=2 CudaSplit=1"

# A comment: what is preprocessed says the same, so nothing is compiled.
sed -i 's,^// What nvcc names after.*,// Other words.,' "$long/tests/cuda/identity/names.cu"
built "edit a comment" "$long" --disk_cache="$SCRATCH/disk" --execution_log_json_file="$SCRATCH/log" //tests/cuda/identity:plain
equal "another comment compiles nothing" "$(actions "$SCRATCH/log")" "CudaPreprocess=2 CudaSplit=1"
exit "$FAILED"
