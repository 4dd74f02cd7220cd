#!/usr/bin/env bash
# The release of examples/cuda by the hermetic C++ toolchain: device code by nvcc, an old glibc under it, and programs that start
# where there is nothing else. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

FLAGS+=(--platforms=//toolchains/cc:linux_x86_64)
build_or_die //examples/cuda:release
bazel run //examples/cuda:release -- --url-template 'https://example.invalid/{archive}' "$SCRATCH/dist" >"$SCRATCH/log" 2>&1
equal "the release is copied out" "$? $(cd "$SCRATCH/dist" && sha256sum --quiet -c SHA256SUMS && find . -type f | LC_ALL=C sort | paste -sd' ')" \
  "0 ./SHA256SUMS ./add-1.0.0-linux-x86_64-cpu.tar.gz ./add-1.0.0-linux-x86_64-cuda-newest.tar.gz ./add-1.0.0-linux-x86_64-cuda-sm86.tar.gz ./add-1.0.0-linux-x86_64-cuda-sm90.tar.gz ./release.variants.lock.json"
equal "no row needs more than glibc 2.28" "$(
  python3 - "$SCRATCH/dist/release.variants.lock.json" <<'PY'
import json, sys
rows = [(row["name"], row["properties"]) for row in json.load(open(sys.argv[1]))["variants"]]
newest = max(int(properties["libc"].removeprefix("glibc-2.")) for _, properties in rows)
print(newest <= 28, [(name, properties.get("cubins"), properties.get("sonames")) for name, properties in rows])
PY
)" "True [('cpu', None, None), ('cuda-sm86', ['sm_86'], None), ('cuda-sm90', ['sm_90a'], None), ('cuda-newest', ['sm_120'], None)]"

glibc_root "$SCRATCH/root"
for archive in "$SCRATCH"/dist/*.tar.gz; do
  variant=${archive##*x86_64-}
  variant=${variant%.tar.gz}
  rm -rf "$SCRATCH/root/app" && mkdir "$SCRATCH/root/app" && tar -xzf "$archive" -C "$SCRATCH/root/app"
  reason="no CUDA driver (libcuda.so.1) on this machine"
  [[ $variant != cpu ]] || reason="built without CUDA"
  if unshare --user --map-root-user true 2>/dev/null; then
    unshare --user --map-root-user chroot "$SCRATCH/root" /app/bin/add >"$SCRATCH/result" 2>"$SCRATCH/errors"
    equal "$variant starts where glibc alone is" "$? $(<"$SCRATCH/result") $(<"$SCRATCH/errors")" "0 11 22 33 44  no usable GPU: $reason; using the CPU"
  else
    skip "$variant starts where glibc alone is" "user namespaces are not allowed here"
  fi
done

# nvcc's host compiler is the one of this machine, so its objects would be for another CPU.
case $(uname -m) in x86_64) other=aarch64 ;; *) other=x86_64 ;; esac
FLAGS=("${FLAGS[@]/%\/cc:linux_x86_64//cc:linux_$other}")
bazel build --nobuild //examples/cuda:vector_add_cuda >"$SCRATCH/log" 2>&1
equal "another CPU is refused" "$? $(grep -o 'error: @@//.*' "$SCRATCH/log" | head -n 1 | sed 's,//[^ ]*,//LABEL:,')" \
  "1 error: @@//LABEL: CUDA code with the hermetic C++ toolchain: got a machine of $(uname -m) to build on, expected one of $other"

exit "$FAILED"
