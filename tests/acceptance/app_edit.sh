#!/usr/bin/env bash
# Editing the app of examples/comfy runs three actions and reads no layer of a wheel. Environment: see lib.bash.
#
# There are two edits, because Bazel reads all outputs anew when it writes an execution log.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

app=examples/comfy/app/main.py

# The time makes it an edit that no cache has seen.
edit() { sed -i "s/^GREETING = .*/GREETING = \"comfy example, edited $(date +%s.%N)\"/" "$app"; }

build_or_die //examples/comfy:image
layout=$(files_of //examples/comfy:image)
before=$(manifest_of "$layout")
mapfile -t app_layers < <(files_of //examples/comfy:app | xargs -d "\n" -n1 readlink -f)
mapfile -t blobs < <(files_of //examples/comfy:image --output_groups=layers | xargs -d "\n" -n1 readlink -f | LC_ALL=C sort -u)
kept=()
for blob in "${blobs[@]}"; do
  [[ " ${app_layers[*]} " == *" $blob "* ]] || kept+=("$blob")
done
equal "layers that must not be read" "${#kept[@]}" 11

cp -p "$app" "$SCRATCH/main.py"
CLEANUP+=("cp -p '$SCRATCH/main.py' '$app'")

# watch FILE...: starts to note reads; unwatch: stops. The pipe says when, as no pause is long enough on a busy machine.
mkfifo "$SCRATCH/stop"
watch() {
  : >"$SCRATCH/watch"
  python3 tests/acceptance/watch_reads.py "$SCRATCH/reads" "$@" <"$SCRATCH/stop" >"$SCRATCH/watch" &
  watcher=$!
  exec 9>"$SCRATCH/stop"
  until grep -q ready "$SCRATCH/watch" || ! kill -0 "$watcher" 2>/dev/null; do sleep 0.1; done
}
unwatch() {
  exec 9>&-
  wait "$watcher"
}

watch "${kept[@]}"
edit
build_or_die //examples/comfy:image
unwatch
equal "no other layer is opened" "$(sort "$SCRATCH/reads" | uniq -c | head -n 3 | paste -sd' ')" ""
equal "the image is another one" "$([[ $(manifest_of "$layout") != "$before" ]] && echo yes)" yes

edit
build_or_die //examples/comfy:image --execution_log_json_file="$SCRATCH/log.json"
equal "exactly the app layer and the image are made anew" "$(python3 - "$SCRATCH/log.json" <<'PY'
import json, sys
text, at, spawns = open(sys.argv[1]).read(), 0, []
decoder = json.JSONDecoder()
while text[at:].strip():
    spawn, used = decoder.raw_decode(text[at:].lstrip())
    at = len(text) - len(text[at:].lstrip()) + used
    spawns.append(spawn["mnemonic"] + ("(cached)" if spawn.get("cacheHit") else ""))
print(" ".join(sorted(spawns)))
PY
)" "FileLayer OciLayout OciManifest"

# The watcher must be able to see something: one read that it has to report.
watch "${kept[0]}"
head -c 1 "${kept[0]}" >/dev/null
unwatch
equal "a read would be noticed" "$([[ -s $SCRATCH/reads ]] && echo yes)" yes

cp -p "$SCRATCH/main.py" "$app"
build_or_die //examples/comfy:image
equal "undoing the edit gives the first image" "$(manifest_of "$layout")" "$before"

exit "$FAILED"
