#!/usr/bin/env bash
# `inferctl lock` on a release that a server of this script has: begun, verified, updated, refused. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

needs "locks from a server" python3 || exit 0
build_or_die //plugins/inferctl
inferctl=$(files_of //plugins/inferctl)
cd "$SCRATCH" || exit 1
export RULES_INFERENCE_STORE=$SCRATCH/store

# release VERSION TEXT: an archive with a real program, inferctl itself.
release() {
  mkdir -p "server/tree/demo-$1/bin"
  cp "$inferctl" "server/tree/demo-$1/bin/demo"
  echo "$2" >"server/tree/demo-$1/NEWS"
  tar -C server/tree --sort=name --mtime=@0 --owner=0 --group=0 -czf "server/demo-$1-cpu.tar.gz" "demo-$1"
}
mkdir server
release 1.0 first
# Of another size for certain: two words compress to as many bytes by chance.
release 2.0 "$(seq 2000)"
python3 -u -m http.server --bind 127.0.0.1 --directory server 0 >server.log 2>&1 &
server=$!
CLEANUP+=("kill $server 2>/dev/null")
for _ in {1..100}; do
  port=$(sed -nE 's/.* port ([0-9]+) .*/\1/p' server.log)
  [[ -z $port ]] || break
  sleep 0.1
done

# run ARGUMENT...: what it prints, with its exit code, and without what differs between machines.
run() {
  { "$inferctl" lock "$@" 2>&1; echo "exit code $?"; } | sed -E "s/127.0.0.1:$port/SERVER/g; s/[0-9a-f]{64}/DIGEST/g; s/[0-9]+ bytes/N bytes/g; s/[0-9.]+ MB/N MB/g; s/ [0-9]{5,}/ SIZE/g; s/glibc-2\.[0-9]+/GLIBC/g" | paste -sd'|'
}

equal "no lock" "$(run update demo.lock.json)" \
  "error: cannot open: demo.lock.json: No such file or directory|hint: --artifact NAME begins a new lock|exit code 1"
begin=(update demo.lock.json --artifact demo --version 1.0 --add cpu@linux-x86_64
  --url-template "http://127.0.0.1:$port/demo-{version}-{variant}.tar.gz")
out=$(run "${begin[@]}" --dry-run)
equal "a dry run says what it would write" "${out##*|}" "exit code 3"
equal "and does not" "$(ls demo.lock.json 2>&1)" "ls: cannot access 'demo.lock.json': No such file or directory"
out=$(run "${begin[@]}")
equal "a new lock" "${out##*|}" "exit code 0"
equal "its row has what the archive needs" \
  "$(python3 -c '
import json
row = json.load(open("demo.lock.json"))["variants"][0]
print(row["format"], row["size"] > 0, len(row["sha256"]), row["properties"]["libc"][:8], "libstdc++.so.6" in row["properties"]["sonames"])')" \
  "tar.gz True 64 glibc-2. True"
equal "it is right" "$(run check demo.lock.json)" "demo.lock.json: 1 row, right|exit code 0"
equal "the server has it" "$(run verify demo.lock.json)" \
  "right  cpu for linux-x86_64, N MB|demo.lock.json: 1 right, 0 wrong|exit code 0"
equal "nothing is left of downloads" "$(ls store 2>/dev/null)" ""
cp demo.lock.json first.lock.json
equal "again: no change" "$(run update demo.lock.json)" "demo.lock.json: nothing has changed|exit code 0"
equal "and the same bytes" "$(cmp demo.lock.json first.lock.json && echo same)" same

# Digests as people paste them.
python3 - <<'PY'
import base64, json
lock = json.load(open("demo.lock.json"))
row = lock["variants"][0]
row["sha256"] = "sha256-" + base64.b64encode(bytes.fromhex(row["sha256"])).decode()
json.dump(lock, open("sri.lock.json", "w"))
row["sha256"] = row["sha256"][:-5] + "="
json.dump(lock, open("short.lock.json", "w"))
PY
out=$(run update sri.lock.json)
equal "an SRI digest is taken" "${out##*|}" "exit code 0"
equal "and written as hex" "$(cmp sri.lock.json first.lock.json && echo same)" same
out=$(run update short.lock.json)
equal "a short one is refused" "${out##*|} $(grep -c 'short.lock.json' <<<"$out")" "exit code 1 1"

equal "an update to a release" "$(run update demo.lock.json --version 2.0)" \
  "~ version: 1.0 -> 2.0|~ cpu for linux-x86_64|  ~ size: SIZE -> SIZE|  ~ sha256: DIGEST -> DIGEST|exit code 0"
cp demo.lock.json second.lock.json
out=$(run update demo.lock.json --version 3.0)
equal "a release that is not there" "${out##*|} $(grep -c 'absent: http://SERVER/demo-3.0-cpu.tar.gz' <<<"$out")" "exit code 1 1"
equal "changes nothing" "$(cmp demo.lock.json second.lock.json && echo same)" same

# Somebody replaces a published archive.
release 2.0 other
out=$(run verify demo.lock.json)
equal "other bytes are found" "${out##*|} $(grep -c 'wrong  cpu for linux-x86_64' <<<"$out")" "exit code 1 1"
out=$(run update demo.lock.json)
equal "and never taken silently" "${out##*|}" "exit code 1"
equal "the lock stays" "$(cmp demo.lock.json second.lock.json && echo same)" same
exit "$FAILED"
