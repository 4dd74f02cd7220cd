#!/usr/bin/env bash
# The image of examples/comfy has one digest, however it is built. Environment: see lib.bash.
#
# C++ is taken from the cache of the user's choice (BAZEL_FLAGS=--disk_cache=DIR); layers and the image are always made
# anew. REPRODUCIBLE_SLOW=1 also builds the plugins without optimization.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

fresh=(--experimental_convenience_symlinks=ignore --modify_execution_info='^(WheelLayer|FileLayer|OciManifest|OciLayout)$=+no-cache')

# digest_in BASE WRAPPER... -- FLAGS...: the manifest digest of a build in an output base of its own.
digest_in() {
  local base=$SCRATCH/$1 wrapper=() root
  shift
  while [[ $1 != -- ]]; do wrapper+=("$1") && shift; done
  shift
  if ! "${wrapper[@]}" "${BAZEL[@]}" --output_base="$base" --max_idle_secs=30 build "${FLAGS[@]}" "${fresh[@]}" "$@" \
    //examples/comfy:image >"$SCRATCH/log" 2>&1; then
    tail -n 20 "$SCRATCH/log" >&2
    echo "the build failed"
    return
  fi
  root=$("${wrapper[@]}" "${BAZEL[@]}" --output_base="$base" --max_idle_secs=30 info "${FLAGS[@]}" "$@" bazel-bin 2>/dev/null)
  manifest_of "$root/examples/comfy/image"
}

# shellcheck disable=SC2329 # called by cleanup
stop_base() { "${BAZEL[@]}" --output_base="$SCRATCH/$1" shutdown >/dev/null 2>&1; }

build_or_die //examples/comfy:image
layout=$(files_of //examples/comfy:image)
fresh+=(--repository_cache="$(bazel info repository_cache 2>/dev/null)")
expected=$(manifest_of "$layout")

# Another output base (longer, with a space in it), umask, locale, time zone and number of jobs.
CLEANUP+=("stop_base 'another output base/of some length'")
umask 077
equal "output base, umask 077, locale, time zone" \
  "$(digest_in "another output base/of some length" env LC_ALL=C.UTF-8 TZ=Asia/Kathmandu -- --jobs=1)" "$expected"
umask 022
equal "-c fastbuild" "$(digest_in "another output base/of some length" -- -c fastbuild)" "$expected"

# Another user: another uid and name, as actions see them.
if ! unshare --user --map-user=12345 --map-group=12345 true 2>/dev/null; then
  skip "another user" "user namespaces are not allowed here"
else
  CLEANUP+=("stop_base user")
  equal "another user" "$(digest_in user unshare --user --map-user=12345 --map-group=12345 \
    env HOME="$SCRATCH" USER=builder LOGNAME=builder BAZELW_HOME="${BAZELW_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/rules_inference/bazelw}" --)" "$expected"
fi

if [[ ${REPRODUCIBLE_SLOW:-} == 1 ]]; then
  equal "plugins without optimization" \
    "$(digest_in "another output base/of some length" -- -c fastbuild --host_compilation_mode=fastbuild)" "$expected"
else
  skip "plugins without optimization" "REPRODUCIBLE_SLOW=1 asks for it"
fi

# Threads are a field of the request: the plugin runs on the requests of the build, changed in that field, as aquery tells
# them (Bazel writes them to files only where it runs the action). Requests of actions with mapped paths name files that
# only the sandbox has.
FLAGS+=(--modify_execution_info='^(WheelLayer|FileLayer)$=-supports-path-mapping')
build_or_die //examples/comfy:image
root=$(bazel info execution_root 2>/dev/null)
for target in //examples/comfy:deps //examples/comfy:app; do
  wrong=
  count=0
  rm -rf "$SCRATCH/requests" && mkdir "$SCRATCH/requests"
  plugin=$(bazel aquery --output=jsonproto "mnemonic('WheelLayer|FileLayer', $target)" 2>/dev/null |
    python3 -c '
import json, sys
for i, action in enumerate(json.load(sys.stdin)["actions"]):
    plugin, *lines = action["arguments"]
    open(f"{sys.argv[1]}/{i}", "w").write("\n".join(lines) + "\n")
print(plugin)' "$SCRATCH/requests")
  while read -r blob; do
    params=$(grep -lF "\"output\":\"$blob\"" "$SCRATCH"/requests/*)
    side=${blob%.tar.gz}.layer.json
    for threads in 1 3; do
      sed -e "s#\"threads\":[0-9]*#\"threads\":$threads#" -e "s#\"$blob\"#\"$SCRATCH/blob\"#" -e "s#\"$side\"#\"$SCRATCH/side\"#" \
        "$params" >"$SCRATCH/request"
      (cd "$root" && "$plugin" "@$SCRATCH/request") >"$SCRATCH/log" 2>&1 || wrong+=" ${blob##*/}: $(head -n 1 "$SCRATCH/log")"
      cmp -s "$SCRATCH/blob" "$root/$blob" && cmp -s "$SCRATCH/side" "$root/$side" || wrong+=" ${blob##*/} with $threads threads"
      rm -f "$SCRATCH/blob" "$SCRATCH/side"
      count=$((count + 1))
    done
  done < <(bazel cquery --output=files "$target" 2>/dev/null)
  equal "one and three threads, $target" "${wrong:-$((count > 0))}" 1
done

exit "$FAILED"
