#!/usr/bin/env bash
# CUDA code is compiled to the same bytes in any directory and by any user, releases too; two clones share a cache, and a change
# of the list of architectures does what has changed and nothing else. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

kinds=(G O3 debug lineinfo plain rdc link lto lto_link)
targets=()
for kind in "${kinds[@]}"; do targets+=("//tests/cuda/identity:$kind"); done
groups=--output_groups=+cuda_images,+cuda_fatbins
stamp=$(date +%s%N)
repositories=$(bazel info repository_cache 2>/dev/null)

# clone DIRECTORY: the files of the repository at another place.
clone() {
  mkdir -p "$1"
  git ls-files -z | xargs -0 cp -P --parents -t "$1"
  # Code that no cache has seen.
  printf 'static __device__ int run_%s;\n' "$stamp" >>"$1/tests/cuda/identity/names.cu"
}

# in_clone DIRECTORY COMMAND ARGUMENT...: Bazel there, with an output base of its own, and as another user in the second one.
in_clone() {
  local directory=$1 command=$2 user=()
  shift 2
  [[ $directory != "$long" ]] || user=("${other_user[@]}")
  (cd -- "$directory" && "${user[@]}" "${BAZEL[@]}" --output_base="$directory.base" --max_idle_secs=60 "$command" "${FLAGS[@]}" \
    --repository_cache="$repositories" --remote_download_outputs=all --experimental_convenience_symlinks=ignore "$@") >"$SCRATCH/out" 2>"$SCRATCH/err"
}

# built CHECK DIRECTORY ARGUMENT...
built() {
  local check=$1 directory=$2
  shift 2
  in_clone "$directory" build "$@" && return
  fail "$check" "exit code not 0"
  tail -n 30 "$SCRATCH/err" >&2
  exit 1
}

# digests DIRECTORY: sha256 and name of each output of the kinds.
digests() {
  local bin
  in_clone "$1" info bazel-bin || return
  bin=$(<"$SCRATCH/out")
  (cd -- "$bin/tests/cuda/identity" && find -L . -type f -regex '.*\.\(a\|o\|cubin\|ltoir\|ptx\|fatbin\|ii\|cpp\)' -print0 |
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
other_user=()
as_other=(unshare --user --map-user=12345 --map-group=12345 env USER=somebody LOGNAME=somebody)
if [[ $("${as_other[@]}" id -u 2>/dev/null) == 12345 ]]; then
  other_user=("${as_other[@]}")
else
  skip "another user" "user namespaces are not allowed here"
fi

# The cache of the user has the tools; where there is none, one of our own.
[[ "${BAZEL[*]} ${FLAGS[*]} $(bazel info release --announce_rc 2>&1)" == *--disk_cache=* ]] || FLAGS+=(--disk_cache="$SCRATCH/disk")

# What is compared is made anew: no cache has objects with this macro, and none is asked for the rest.
fresh=(--copt=-DRULES_INFERENCE_IDENTITY="$stamp" --modify_execution_info='^Cuda.*$=+no-cache' "$groups")
built "build" "$short" "${fresh[@]}" --execution_log_json_file="$SCRATCH/log" "${targets[@]}"
made=$(actions "$SCRATCH/log" | grep -o 'Cuda[A-Za-z]*=[0-9]*' | paste -sd' ')
digests "$short" >"$SCRATCH/short.txt"
fresh[0]=${fresh[0]}0
built "build elsewhere" "$long" "${fresh[@]}" --execution_log_json_file="$SCRATCH/log" "${targets[@]}"
equal "both clones compile" "$(actions "$SCRATCH/log" | grep -o 'Cuda[A-Za-z]*=[0-9]*' | paste -sd' ')" "$made"
digests "$long" >"$SCRATCH/long.txt"
equal "compared files" "$([[ $(wc -l <"$SCRATCH/short.txt") -ge 60 ]] && echo "60 or more")" "60 or more"
same "same bytes in another directory" "$SCRATCH/long.txt" "$SCRATCH/short.txt"
if grep -rlaF -e "$SCRATCH" "$short.base"/execroot/*/bazel-out/*/bin/tests/cuda/identity >"$SCRATCH/leaks"; then
  fail "no output names the directory" "$(head -n 3 "$SCRATCH/leaks" | paste -sd' ')"
else
  pass "no output names the directory"
fi

# The release of an example, with the pinned C++ compiler: each clone compiles it with a macro of its own.
release=(--platforms=//toolchains/cc:linux_x86_64 --modify_execution_info='^(Cuda|Release|Cpp(Archive|Link)).*$=+no-cache' //examples/cuda:release)
# sums DIRECTORY TEXT: SHA256SUMS and lock of the release, built there with TEXT in the macro.
sums() {
  in_clone "$1" run --copt="-DRULES_INFERENCE_RELEASE=$stamp$2" --execution_log_json_file="$SCRATCH/log" "${release[@]}" -- \
    --url-template 'https://example.invalid/{archive}' "$1.dist" || tail -n 30 "$SCRATCH/err" >&2
  [[ $(actions "$SCRATCH/log") == *CppCompile=*Cuda*Release* ]] || echo "not compiled: $(actions "$SCRATCH/log")"
  cat "$1.dist/SHA256SUMS" "$1.dist/"*.lock.json
}
sums "$short" "" >"$SCRATCH/short_release.txt"
sums "$long" 0 >"$SCRATCH/long_release.txt"
equal "compared archives" "$(grep -c 'tar\.gz$' "$SCRATCH/short_release.txt")" 4
same "same release elsewhere" "$SCRATCH/long_release.txt" "$SCRATCH/short_release.txt"

shared=(--copt=-DRULES_INFERENCE_SHARED="$stamp" "$groups")
built "first clone" "$short" "${shared[@]}" "${targets[@]}"
built "second clone" "$long" "${shared[@]}" --execution_log_json_file="$SCRATCH/log" "${targets[@]}"
equal "all from the cache of the first clone" "$(actions "$SCRATCH/log")" ""

# One architecture more: one device compilation, and each preprocessing, which is told the list. What CppCompile does is the
# object of the fat binary, with and without -fPIC, not the host code.
sed -i 's/^    "sm_80",$/    "sm_80",\n    "sm_120",/' "$long/tests/cuda/identity/BUILD.bazel"
built "add sm_120" "$long" "${shared[@]}" --execution_log_json_file="$SCRATCH/log" //tests/cuda/identity:plain
equal "sm_120 more compiles one cubin" "$(actions "$SCRATCH/log")" \
  "CppArchive=2 CppCompile=2 CudaCompile=1 CudaFatbinary=1 CudaPreprocess=3 CudaSplit=1"
sed -i -e '/^    "sm_80",$/d' "$long/tests/cuda/identity/BUILD.bazel"
built "remove sm_80" "$long" "${shared[@]}" --execution_log_json_file="$SCRATCH/log" //tests/cuda/identity:plain
equal "sm_80 less compiles nothing" "$(actions "$SCRATCH/log")" \
  "CppArchive=2 CppCompile=2 CudaFatbinary=1 CudaPreprocess=2 CudaSplit=1"

# A comment: what is preprocessed says the same, so nothing is compiled.
sed -i 's,^// What nvcc names after.*,// Other words.,' "$long/tests/cuda/identity/names.cu"
built "edit a comment" "$long" "${shared[@]}" --execution_log_json_file="$SCRATCH/log" //tests/cuda/identity:plain
equal "another comment compiles nothing" "$(actions "$SCRATCH/log")" "CudaPreprocess=2 CudaSplit=1"
exit "$FAILED"
