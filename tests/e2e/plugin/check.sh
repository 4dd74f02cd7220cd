#!/usr/bin/env bash
# A plugin in an outside workspace, under every strategy of Bazel: same bytes, the runner that was asked for, errors in the
# plugin's own words, and a worker that outlives them. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/e2e/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.bash"

bases=(base)

# Listing actions never come from a cache here: every strategy has to do the work. Outputs of other actions are on disk even
# if a disk cache has them, as some builds go without it.
# All outputs are on disk, as the races below run without a cache. Bazel keeps .d files in memory only, and then takes the
# actions that made them for stale.
run() {
  local command=$1
  shift
  bazel_in base "$command" --remote_download_outputs=all --noexperimental_inmemory_dotd_files --modify_execution_info=Listing=+no-cache "$@"
}

# The runners of all Listing actions in the execution log, each once.
runners() {
  python3 - "$scratch/log.json" <<'PY'
import json, sys
text = open(sys.argv[1], encoding="utf-8").read()
decoder, at, found = json.JSONDecoder(), 0, set()
while at < len(text.rstrip()):
    spawn, at = decoder.raw_decode(text, at)
    while at < len(text) and text[at].isspace():
        at += 1
    if spawn.get("mnemonic") == "Listing":
        found.add(spawn.get("runner"))
print(" ".join(sorted(found)))
PY
}

# The kinds of worker that the last build has started.
created() { sed -n 's/.*Created new \(.*\) (id .*/\1/p' "$scratch/err" | sort -u | paste -sd' '; }

run build //:listing_plugin
check "plugin builds outside" $? 0
run info bazel-bin
bin=$(cat "$scratch/out")
# shellcheck disable=SC2319 # `test` is Bazel's here
{
  run test //:listing_conformance_test
  check "conformance" $? 0
}

cat >"$scratch/small.expected" <<'END'
5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  data/small.txt
END
{
  echo '# Größe "☃" {} @'
  echo "$(sha256sum <"data/name with spaces.txt" | cut -d' ' -f1)  data/name with spaces.txt"
  cat "$scratch/small.expected"
} >"$scratch/both.expected"
: >"$scratch/none.expected"

# strategy NAME RUNNER WORKER FLAG...: builds all good targets afresh and compares runner, kind of worker, and bytes.
strategy() {
  local name=$1 runner=$2 worker=$3 target
  shift 3
  rm -f "$bin"/*.listing
  run build "$@" --worker_verbose --execution_log_json_file="$scratch/log.json" //:small //:both //:none
  check "$name builds" $? 0
  check "$name is what ran" "$(runners): $(created)" "$runner: $worker"
  for target in small both none; do
    cmp -s "$bin/$target.listing" "$scratch/$target.expected"
    check "$name writes the bytes of $target" $? 0
  done
}

strategy "local" local "" --strategy=Listing=local
strategy "sandboxed" linux-sandbox "" --strategy=Listing=sandboxed
strategy "singleplex worker" worker "non-sandboxed Listing worker" --strategy=Listing=worker --noworker_multiplex
strategy "sandboxed worker" worker "sandboxed Listing worker" --strategy=Listing=worker --noworker_multiplex \
  --worker_sandboxing
strategy "multiplex worker" worker "non-sandboxed Listing multiplex-worker" --strategy=Listing=worker
strategy "sandboxed multiplex worker" worker "sandboxed Listing multiplex-worker" --strategy=Listing=worker \
  --worker_sandboxing --experimental_worker_multiplex_sandboxing

# error_of: what the plugin said in the last build.
error_of() { grep -A1 '^error: listing' "$scratch/err"; }
too_big="error: listing: 'data/small.txt': got 6 bytes, expected at most 3
hint: set \`max_bytes\` of the rule"

run build --strategy=Listing=local //:too_big
check "a failure fails the build" $? 1
check "a failure has the plugin's words" "$(error_of)" "$too_big"

# What a failing request does to its worker shows in the workers that are created after it.
for flag in --worker_multiplex --noworker_multiplex; do
  stop base
  rm -f "$bin"/*.listing
  worker_flags=(--strategy=Listing=worker "$flag" --worker_verbose --jobs=1)
  run build "${worker_flags[@]}" //:small
  check "$flag: a worker starts" "$? $(created | grep -c Listing)" "0 1"
  run build "${worker_flags[@]}" //:too_big
  check "$flag: a failure in a worker fails the build" $? 1
  check "$flag: a failure in a worker has the same words" "$(error_of)" "$too_big"
  check "$flag: a failure leaves no output" "$(ls "$bin/too_big.listing" 2>/dev/null)" ""
  run build "${worker_flags[@]}" //:both
  check "$flag: the worker lives" "$? $(created)" "0 "
  cmp -s "$bin/both.listing" "$scratch/both.expected"
  check "$flag: and writes the right bytes" $? 0
done

# cancellations N: waits until workers have written of N cancelled requests, and tells how many they wrote of.
cancellations() {
  local waited=0 count=0
  until count=$(cat "$scratch/base/bazel-workers"/*.log | grep -c "listing cancelled") && ((count >= $1)) || ((++waited > 100)); do
    sleep 0.1
  done
  echo "$count"
}

# Bazel cancels a request of a worker when dynamic execution has the result from elsewhere. Here "elsewhere" is the sandbox.
# Without disk cache: with it, Bazel 7.7 lets both branches write the same params file, and one of them may fail.
expected=0
for flag in --noworker_multiplex --experimental_worker_multiplex_sandboxing; do
  race=(--internal_spawn_scheduler --strategy=Listing=dynamic --dynamic_local_strategy=worker
    --dynamic_remote_strategy=sandboxed --dynamic_local_execution_delay=0 --experimental_worker_cancellation "$flag"
    --worker_verbose --disk_cache= //:race)
  for round in first second; do
    expected=$((expected + 1))
    rm -f "$bin/race.listing"
    run build "${race[@]}"
    check "$flag: $round race builds" $? 0
    cmp -s "$bin/race.listing" "$scratch/small.expected"
    check "$flag: $round race writes the right bytes" $? 0
    check "$flag: $round race cancels the worker's request" "$(cancellations "$expected")" "$expected"
  done
  check "$flag: a cancelled request leaves the worker alive" "$(created)" ""
done

exit "$failed"
