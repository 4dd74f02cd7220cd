#!/usr/bin/env bash
# Real wheels unpacked by build actions, compared file by file with what pip makes of them. Environment: see lib.bash.
#
#   WHEELS  packages of examples/comfy's lock; default: four small ones, `all`: the whole lock
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

# Pure Python, an extension module, entry points with data beside, and files of `.data`.
read -r -a packages <<<"${WHEELS:-idna markupsafe tqdm fonttools}"
if [[ ${packages[*]} == all ]]; then
  mapfile -t packages < <(sed -nE 's/^([a-z0-9-]+)==.*/\1/p' examples/comfy/requirements.lock.txt)
fi

build_or_die "${packages[@]/#/@comfy_wheels//}"
trees=()
for package in "${packages[@]}"; do trees+=("@comfy_wheels//$package:tree"); done
build_or_die "${trees[@]}"

if python3 -m pip --version >/dev/null 2>&1; then
  pairs=()
  for package in "${packages[@]}"; do
    pairs+=("$(files_of "@comfy_wheels//$package")=$(files_of "@comfy_wheels//$package:tree")")
  done
  # Bazel makes every output executable, so the trees of actions are compared without that.
  python3 tests/acceptance/wheel_trees.py --any-mode "${pairs[@]}" >"$SCRATCH/compared"
  sed -E "s#^(PASS|FAIL) #\1 $MODE/pip's tree of #" "$SCRATCH/compared"
  if grep -q '^FAIL' "$SCRATCH/compared"; then FAILED=1; fi
  equal "all trees are compared" "$(grep -c . "$SCRATCH/compared")" "${#packages[@]}"
else
  skip "pip's trees" "pip is not installed"
fi

bazel build "@comfy_wheels//${packages[0]}:metadata" 2>/dev/null
equal "the layout names the package" \
  "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["name"])' "$(files_of "@comfy_wheels//${packages[0]}:metadata")")" \
  "${packages[0]}"

exit "$FAILED"
