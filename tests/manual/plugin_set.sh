#!/usr/bin/env bash
# The set of plugins for all platforms, by the hermetic toolchain: what its programs need, that those for this machine start where
# glibc alone is, and those for aarch64 under qemu. Compiles every library twice, so it is run by hand.
#
#   BAZEL_CMD  command that runs Bazel        (default: the repository's bazelw)
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../acceptance/lib.bash"

dist=$SCRATCH/dist
bazel run //toolchains/plugins/release:plugins -- --url-template "file://$dist/{archive}" "$dist" >"$SCRATCH/log" 2>&1
equal "a set is made" "$? $(find "$dist" -type f -printf '%f\n' | sed 's/-[0-9][0-9.]*-/-VERSION-/' | LC_ALL=C sort | paste -sd' ')" \
  "0 SHA256SUMS plugins.variants.lock.json $(printf 'rules_inference_plugins-VERSION-linux-%s-cpu.tar.gz\n' aarch64 x86_64 | paste -sd' ')"
python3 - "$dist/plugins.variants.lock.json" >"$SCRATCH/rows" <<'PY'
import json, sys
for row in json.load(open(sys.argv[1]))["variants"]:
    print(row["platform"], json.dumps(row["properties"], sort_keys=True), row["size"])
PY
cat "$SCRATCH/rows"
equal "no symbol is newer than glibc 2.28" "$(grep -o 'glibc-2.[0-9]*' "$SCRATCH/rows" | sort -V | tail -n 1 | xargs printf 'glibc-2.28\n%s\n' |
  sort -V | tail -n 1)" glibc-2.28
equal "glibc is all that is needed" "$(grep -c sonames "$SCRATCH/rows")" 0

for platform in x86_64 aarch64; do
  mkdir -p "$SCRATCH/$platform"
  tar -xzf "$dist"/rules_inference_plugins-*-linux-"$platform"-cpu.tar.gz -C "$SCRATCH/$platform"
done
glibc_root "$SCRATCH/x86_64"
for name in inferctl layer release select wheel; do
  if unshare --user --map-root-user true 2>/dev/null; then
    equal "x86_64: $name starts where glibc alone is" \
      "$(unshare --user --map-root-user chroot "$SCRATCH/x86_64" "/bin/$name" --version 2>&1 | grep -c '[0-9]\.[0-9]')" 1
  else
    skip "x86_64: $name starts where glibc alone is" "user namespaces are not allowed here"
  fi
  if command -v qemu-aarch64-static >/dev/null && [[ -d /usr/aarch64-linux-gnu/lib ]]; then
    equal "aarch64: $name starts" \
      "$(qemu-aarch64-static -L /usr/aarch64-linux-gnu "$SCRATCH/aarch64/bin/$name" --version 2>&1 | grep -c '[0-9]\.[0-9]')" 1
  else
    skip "aarch64: $name starts" "qemu-user-static and libc6-arm64-cross are not installed"
  fi
done
exit "$FAILED"
