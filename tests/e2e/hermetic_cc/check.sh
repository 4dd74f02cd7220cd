#!/usr/bin/env bash
# The hermetic C++ toolchain in an outside workspace: what its programs need, where they start, and that their bytes are the
# same from any folder and user. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/e2e/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.bash"

bases=(base "another base")
x86_64=--platforms=@rules_inference//toolchains/cc:linux_x86_64
aarch64=--platforms=@rules_inference//toolchains/cc:linux_aarch64
# Without a host compiler Bazel's own toolchain is empty.
no_host=(--repo_env=BAZEL_DO_NOT_DETECT_CPP_TOOLCHAIN=1)
# Compilations are done, not found: they are what is tested. Fetched files and the libraries, which are pinned, may be found.
bazel_in base info repository_cache
no_host+=(--repository_cache="$(cat "$scratch/out")")
run() { bazel_in "$@" "${no_host[@]}" --disk_cache= --noexperimental_inmemory_dotd_files; }

# keep BASE TARGET AS: copies what was built.
keep() {
  run "$1" info bazel-bin "${@:4}" && cp -f -- "$(cat "$scratch/out")/$2" "$scratch/$3"
}

# versions FILE: the newest glibc that it asks for, and whether that is 2.28 or older.
versions() {
  local newest
  newest=$(readelf --version-info --wide "$1" | grep -o 'GLIBC_2[0-9.]*' | sort -Vu | tail -n 1)
  [[ $(printf '%s\nGLIBC_2.28\n' "$newest" | sort -V | tail -n 1) == GLIBC_2.28 && -n $newest ]] && echo old || echo "$newest"
}

# needed FILE: libraries that it needs and that are not part of glibc.
needed() {
  readelf --dynamic --wide "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
    grep -vE '^(lib(c|m|dl|rt|pthread)\.so\.[0-9]|ld-linux-(x86-64|aarch64)\.so\.[0-9])$' | paste -sd' '
}

machine() { readelf --file-header "$1" | sed -n 's/ *Machine: *//p'; }

words="exceptions threads thread_local filesystem atomics texts math c cpu 42"

run base build "$x86_64" -c opt //:features //:answer_shared
check "x86_64 builds without a host compiler" $? 0
keep base features features "$x86_64" -c opt
keep base libanswer_shared.so shared "$x86_64" -c opt
check "what a C++ runtime has works" "$("$scratch/features")" "$words"
check "x86_64 machine" "$(machine "$scratch/features")" "Advanced Micro Devices X86-64"
check "no symbol is newer than glibc 2.28" "$(versions "$scratch/features") $(versions "$scratch/shared")" "old old"
check "glibc is all that is needed" "$(needed "$scratch/features")$(needed "$scratch/shared")" ""
check "what glibc has is glibc's" "$(readelf --syms --wide "$scratch/features" | awk '$7 != "UND" && $8 ~ /^((mem(cpy|move|set|cmp)|exp|log|sin|floor)f?|bcmp)$/ { print $8 }')" ""
check "no folder of the machine in the program" "$(grep -acF -e "$scratch" -e "$HOME" "$scratch/features")" 0

run base build --extra_toolchains=@hermetic_cc//any_platform:all -c opt //:features
check "a build without a platform can take it" $? 0
keep base features features_here --extra_toolchains=@hermetic_cc//any_platform:all -c opt
check "and makes the same bytes" "$(cmp "$scratch/features" "$scratch/features_here" 2>&1)" ""

# A root with the loader, glibc and nothing more.
mkdir -p "$scratch/root/lib64" "$scratch/root/lib" "$scratch/root/tmp"
ln -s ../lib64 "$scratch/root/lib/x86_64-linux-gnu" # where Debian's loader looks
for name in ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1; do
  found=$(find -L /lib64 /lib/x86_64-linux-gnu /usr/lib64 -maxdepth 1 -name "$name" 2>/dev/null | head -n 1)
  [[ -z $found ]] || cp -L -- "$found" "$scratch/root/lib64/"
done
cp -- "$scratch/features" "$scratch/root/"
if unshare --user --map-root-user true 2>/dev/null; then
  check "it starts where glibc alone is" "$(unshare --user --map-root-user chroot "$scratch/root" /features)" "$words"
else
  skip "it starts where glibc alone is" "user namespaces are not allowed here"
fi

run base build "$x86_64" //:too_new
check "what newer glibc has is refused" $? 1
check_message "and the linker says it" "undefined symbol: arc4random"

# The libraries of the other CPU are made of the same sources; one mode is enough.
if [[ $mode == module ]]; then
  run base build "$aarch64" -c opt //:features
  check "aarch64 builds" $? 0
  keep base features features_aarch64 "$aarch64" -c opt
  check "aarch64 machine" "$(machine "$scratch/features_aarch64")" AArch64
  check "aarch64: old glibc alone" "$(versions "$scratch/features_aarch64")$(needed "$scratch/features_aarch64")" old
  if command -v qemu-aarch64-static >/dev/null && [[ -d /usr/aarch64-linux-gnu/lib ]]; then
    check "aarch64 runs" "$(qemu-aarch64-static -L /usr/aarch64-linux-gnu "$scratch/features_aarch64")" "$words"
  else
    skip "aarch64 runs" "qemu-user-static and libc6-arm64-cross are not installed"
  fi

  # Another folder, user, time zone and number of jobs.
  if unshare --user --map-user=12345 --map-group=12345 true 2>/dev/null; then
    home=${BAZELW_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/rules_inference/bazelw}
    bazel=(unshare --user --map-user=12345 --map-group=12345 env HOME="$scratch" USER=builder LOGNAME=builder
      TZ=Asia/Kathmandu BAZELW_HOME="$home" XDG_CACHE_HOME="$HOME/.cache" "${bazel[@]}")
    run "another base" build "$x86_64" -c opt --jobs=1 //:features
    check "another user builds in another folder" $? 0
    keep "another base" features features_again "$x86_64" -c opt
    check "and gets the same bytes" "$(cmp "$scratch/features" "$scratch/features_again" 2>&1)" ""
  else
    skip "another user builds in another folder" "user namespaces are not allowed here"
  fi

  copy_workspace
  sed -i 's/glibc = "2.28"/glibc = "2.3"/' "$workspace_dir/MODULE.bazel"
  run base build "$x86_64" //:features
  check "a version that there is not is refused" $? 1
  check_message "with its name" "error: hermetic_cc: hermetic_cc: got glibc '2.3', expected 2.17 to 2.42, such as 2.28"
fi

exit "$failed"
