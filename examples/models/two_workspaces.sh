#!/usr/bin/env bash
# Two workspaces that share a store: see README.md beside this file. Arguments: inferctl [folder of ggml models].
set -euo pipefail
inferctl=$(readlink -f -- "${1:?inferctl}")
source=${2:-}
scratch=$(mktemp -d)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
# The store of this example only.
export RULES_INFERENCE_STORE=$scratch/store

if [[ -z $source ]]; then
  source=$scratch/source
  mkdir "$source"
  for name in tiny base small; do
    # "ggml" as a little-endian number, and something of its own.
    printf 'lmgg %s' "$name" | head -c 60 >"$source/ggml-$name.bin"
  done
fi
mapfile -t files < <(find "$(readlink -f -- "$source")" -name '*ggml-*.bin' | sort | head -n 3)
if ((${#files[@]} < 2)); then
  echo "SKIP examples/models: $source has fewer than two ggml models"
  exit 0
fi

at() {
  printf '\n[%s] $ inferctl models %s\n' "$1" "${*:2}"
  (cd "$scratch/$1" && "$inferctl" models "${@:2}")
}

mkdir "$scratch/first" "$scratch/second"
at first lock "one=${files[0]}" "two=${files[1]}" 2>/dev/null
at second lock "mine=${files[1]}" 2>/dev/null
at first fetch --all
at second fetch --all
at first list
at first lock --remove one
at first prune --grace 0s
at second why mine
at second verify

# What the second workspace needs is there, byte for byte; what nobody needs is not.
cmp "$(cd "$scratch/second" && "$inferctl" models path mine)" "${files[1]}"
[[ $(find "$RULES_INFERENCE_STORE/sha256" -type f | wc -l) == 1 ]]
echo
echo "the second workspace keeps its model, and the first one's is gone"
