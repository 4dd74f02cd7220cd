#!/usr/bin/env bash
# CUDA toolkits in an outside workspace: what is fetched and what is not, several releases side by side, archives, an
# installed toolkit, and what users read when it fails. Nothing here needs a device.
# Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/e2e/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.bash"

bases=(first)
rules=@rules_inference//rules
version=--$rules:cuda_version

copy_workspace
mkdir "$scratch/archives" "$scratch/nowhere"
python3 archives.py "$scratch/archives" || exit 1
"$repo/toolchains/cuda/manifests/make_manifest.py" 12.9.1 --redist "$scratch/archives/redistrib.json" --ptxas "$scratch/archives/ptxas" \
  -o "$workspace_dir/12.9.json" || exit 1
sed -i "s#SCRATCH#$scratch#" "$workspace_dir/MODULE.bazel" "$workspace_dir/WORKSPACE"

# Component repositories that have been fetched since the last call.
touch "$scratch/seen"
fetched() {
  find "$scratch/first/external" -mindepth 1 -maxdepth 1 -type d -name '*cuda_*__*' | sed 's/.*[~+]//; s#.*/##' | LC_ALL=C sort \
    >"$scratch/now"
  comm -13 "$scratch/seen" "$scratch/now" | paste -sd' '
  mv "$scratch/now" "$scratch/seen"
}

# built TARGET FLAG...: path of its output.
built() {
  local target=$1
  shift
  run first cquery "$@" --output=files "$target"
  echo "$scratch/first/execroot/$workspace/$(tail -n 1 "$scratch/out")"
}

# text TARGET FLAG...: what it says.
text() {
  run first build "$@" || {
    echo "the build failed"
    return
  }
  cat "$(built "$@")"
}

run first info execution_root
workspace=$(basename -- "$(tail -n 1 "$scratch/out")")

# --- what is fetched ---------------------------------------------------------------------------------------------------

# `query` does not know all flags of builds.
query() {
  (cd -- "$workspace_dir" && "${bazel[@]}" --output_base="$scratch/first" query "${modes[@]}" "$@") >"$scratch/out" 2>"$scratch/err"
}
query @cuda//...
check "a query of the hub" "$? $(grep -cE '^@cuda//:(cublas|cudart|headers)$' "$scratch/out") $(fetched)" "0 3 "
query @cuda//_config:all
check "the pinned releases are complete" "$(grep -cE 'missing_13' "$scratch/out")" 0
run first build //:plain
check "nothing is fetched where no CUDA is built" "$? $(fetched)" "0 "
check "the first toolkit of the root module" "$(text //:toolkit)" \
  "13.0 13.0.88 15 compute_121f linux-x86_64/bin/nvcc linux-x86_64/lib/libcudart_static.a"
check "the compiler and the runtime are fetched, and no library" "$(fetched)" \
  "cuda_13_0__compiler__linux-x86_64 cuda_13_0__cudart__linux-x86_64"

run first build //:cubin //:shared //:driver
check "a cubin, and programs with shared libraries" $? 0
check "the shared runtime starts" "$("$(built //:shared)")" "0 13000"
check "a program has no driver's library unless it asks" "$(readelf -d "$(built //:shared)" | grep -c 'libcuda\.')" 0
check "the stub is a name for the driver's library" \
  "$(readelf -d "$(built //:driver)" | grep -oE '\[libcuda[^]]*\]')" "[libcuda.so.1]"
run first build @cuda//:libcuda_stub
check "the stub has functions by all of their names" \
  "$(nm -D --defined-only "$(built @cuda//:libcuda_stub)" | grep -cE ' T (cuInit|cuMemAlloc|cuMemAlloc_v2|cuMemcpy_ptds|cuStreamWaitValue32_v2_ptsz)$')" 5
run first build @cuda//:culibos
check "what static libraries need is in wheels" $? 0
check "nothing else is fetched" "$(fetched)" ""

# --- another machine ---------------------------------------------------------------------------------------------------

check "for aarch64: its runtime, the compiler of this machine" "$(text //:toolkit --platforms=//:linux_aarch64)" \
  "13.0 13.0.88 15 compute_121f linux-x86_64/bin/nvcc linux-aarch64/lib/libcudart_static.a"
check "one repository is fetched for it" "$(fetched)" "cuda_13_0__cudart__linux-aarch64"
run first build --platforms=//:windows @cuda//:cublas
check "a platform without a toolkit fails" $? 1
check_message "a platform without a toolkit is explained" \
  "error: cuda: @cuda//:cublas: got a platform without a toolkit, expected one of linux-aarch64, linux-x86_64"

# --- archives ----------------------------------------------------------------------------------------------------------

run first build $version=12.9 //:blas
check "a program with libraries of archives" $? 0
check "it runs" "$("$(built //:blas $version=12.9)")" "cublas 12, cudart 129"
check "libraries are named by their versions" "$(readelf -d "$(built //:blas $version=12.9)" | grep -oE 'libcublas\.[^]]*')" "libcublas.so.12"
run first build $version=12.9 //:static_blas
check "static libraries of archives" "$? $("$(built //:static_blas $version=12.9)")" "0 cublas 13, cudart 129"
check "its toolkit" "$(text //:toolkit $version=12.9)" \
  "12.9 12.9.1 14 compute_90a linux-x86_64/bin/nvcc linux-x86_64/lib/libcudart_static.a"
check "what is fetched of it" "$(fetched)" \
  "cuda_12_9__compiler__linux-x86_64 cuda_12_9__cublas__linux-x86_64 cuda_12_9__cudart__linux-x86_64"

run first build $version=12.9 @cuda//:curand
check "an archive with other bytes fails" $? 1
check_message "an archive with other bytes is explained" "error: cuda component: curand 12.9.1 (linux-x86_64): got nothing usable from file://$scratch/archives/libcurand/linux-x86_64/libcurand-linux-x86_64-12.9.1-archive.tar.xz, expected the file with sha256 $(printf 'ab%.0s' {1..32}) that "
run first build $version=12.9 @cuda//:cufft
check "an archive without its library fails" $? 1
check_message "an archive without its library is explained" \
  "error: cuda component: cufft of 12.9 (linux-x86_64): got no libcufft.so.* in 'lib', expected it in that release"
run first build $version=12.9 @cuda//:cudnn
check_message "a component that is not available is explained" \
  "error: cuda: @cuda//:cudnn of 12.9 (linux-x86_64): got no archive of cudnn 9.10.2.21 for this platform, expected it in the release"
run first build $version=12.9 @cuda//:nccl
check_message "a component that the manifest lacks is explained" \
  "error: cuda: @cuda//:nccl of 12.9 (linux-x86_64): got no component 'nccl' in the manifest, expected it in the release"

# --- an installed toolkit ----------------------------------------------------------------------------------------------

installed=$(find "$scratch/first/external" -maxdepth 1 -name '*cuda_13_0__compiler__linux-x86_64')
ln -s "$installed" "$scratch/installed"
check "an installed toolkit says what it is" "$(text //:toolkit $version=local)" \
  "13.0 13.0.88 15 compute_121f local/bin/nvcc local/lib/libcudart_static.a"
cp "$(built //:cubin)" "$scratch/pinned.cubin"
run first build $version=local //:cubin
check "and makes the same cubin" "$? $(cmp "$scratch/pinned.cubin" "$(built //:cubin $version=local)" && echo same)" "0 same"
run first build $version=local @cuda//:cublas
check_message "a library that is not installed is explained" \
  "error: cuda: @cuda//:cublas of 'local': got no libcublas.so.* in 'lib' ($scratch/installed), expected an installed toolkit that has it"
run first build $version=nowhere //:cubin
check "an installed toolkit that is not there fails" $? 1
check_message "an installed toolkit that is not there is explained" \
  "error: cuda.local_toolkit: 'nowhere': got no 'bin/nvcc' in '$scratch/nowhere', expected an installed CUDA toolkit"

# --- refusals ----------------------------------------------------------------------------------------------------------

run first build $version=11.8 //:cubin
check "a release that nobody declares fails" $? 1
check_message "a release that nobody declares is explained" \
  "error: cuda: --@rules_inference//rules:cuda_version: got '11.8', expected one of "
run first build $version=99.0 @cuda//:nvtx
check "a wheel with another hash fails" $? 1
check_message "a wheel with another hash is explained" \
  "error: wheel: nvidia-nvtx==13.0.85 (python 3.11, linux_x86_64): got exit code 1 from pip, expected a wheel with a sha256 that is pinned in "
run first build $version=99.0 //:toolkit
check "a release without a compiler has no toolchain" $? 1

# A second release of the compiler is 100 MB more: once is enough, and the transition with it.
if [[ $mode == module ]]; then
  fetched >"$scratch/before"
  run first build //:cubin //:newer_cubin
  check "two releases in one build" "$? $(fetched)" "0 cuda_13_2__compiler__linux-x86_64 cuda_13_2__cudart__linux-x86_64"
  check "they are two compilers" "$(strings "$(built //:newer_cubin)" | grep -oE 'release 13\.[0-9]' | sort -u | paste -sd' ')" "release 13.2"

  mkdir "$workspace_dir/other"
  touch "$workspace_dir/other/BUILD.bazel"
  cp "$workspace_dir/12.9.json" "$workspace_dir/other"
  cat >"$workspace_dir/other/MODULE.bazel" <<'EOF'
module(name = "other")
bazel_dep(name = "rules_inference", version = "0.1.0")
cuda = use_extension("@rules_inference//rules:extensions.bzl", "cuda")
cuda.toolkit(version = "12.9", manifest = "//:12.9.json")
EOF
  cp "$workspace_dir/MODULE.bazel" "$scratch/MODULE.bazel"
  printf 'bazel_dep(name = "other")\nlocal_path_override(module_name = "other", path = "other")\n' >>"$workspace_dir/MODULE.bazel"
  run first build //:toolkit
  check "one release with two manifests fails" $? 1
  check_message "one release with two manifests is explained" "error: cuda.toolkit: '12.9' of module 'other': got manifest '"
  cp "$scratch/MODULE.bazel" "$workspace_dir/MODULE.bazel"
  sed -i 's/version = "13.2"/version = "14.7"/' "$workspace_dir/MODULE.bazel"
  who="module 'e2e_cuda'"
else
  sed -i 's/"13.2"/"14.7"/' "$workspace_dir/WORKSPACE"
  who="cuda_toolkit 'cuda'"
fi
run first build //:toolkit
check "an unknown release fails" $? 1
check_message "an unknown release is explained" "error: cuda.toolkit: $who: got version '14.7', expected one of 12.9, 13.0, 13.2"

exit "$failed"
