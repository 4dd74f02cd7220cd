#!/usr/bin/env bash
# A real program of this repository by the hermetic C++ toolchain: abseil, protobuf and zlib in it, old glibc under it.
# HERMETIC_CC_SLOW=1 asks for it, as it compiles a few hundred files; tests/e2e/hermetic_cc has the small programs.
# Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

if [[ ${HERMETIC_CC_SLOW:-} != 1 ]]; then
  skip "the launcher on old glibc" "HERMETIC_CC_SLOW=1 asks for it"
  exit 0
fi

FLAGS+=(--platforms=//toolchains/cc:linux_x86_64)
build_or_die //plugins/launcher
program=$(files_of //plugins/launcher)
newest=$(readelf --version-info --wide "$program" | grep -o 'GLIBC_2[0-9.]*' | sort -Vu | tail -n 1)
equal "no symbol is newer than glibc 2.28" "$(printf '%s\nGLIBC_2.28\n' "${newest:-none at all}" | sort -V | tail -n 1)" GLIBC_2.28
equal "glibc is all that is needed" "$(readelf --dynamic --wide "$program" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
  grep -vE '^(lib(c|m|dl|rt|pthread)\.so\.[0-9]|ld-linux-x86-64\.so\.2)$')" ""
equal "no folder of the machine in it" "$(grep -acF -e "$(bazel info output_base 2>/dev/null)" -e "$REPO" "$program")" 0

glibc_root "$SCRATCH/root"
cp -- "$program" "$SCRATCH/root/launcher"
if unshare --user --map-root-user true 2>/dev/null; then
  unshare --user --map-root-user chroot "$SCRATCH/root" /launcher >"$SCRATCH/said" 2>&1
  equal "it starts where glibc alone is" "$(grep -c '^error: ' "$SCRATCH/said")" 1
else
  skip "it starts where glibc alone is" "user namespaces are not allowed here"
fi

exit "$FAILED"
