#!/usr/bin/env bash
# `inferctl models` as users have it, against a hub and a web server on loopback. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

build_or_die //plugins/inferctl
inferctl=$(files_of //plugins/inferctl)
fixture=$REPO/tests/acceptance/models_fixture.py
cd "$SCRATCH" || exit 1
export HOME=$SCRATCH/home XDG_DATA_HOME='' XDG_CACHE_HOME='' RULES_INFERENCE_STORE='' HF_TOKEN='' HF_ENDPOINT=''
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NETRC
mkdir home one two
python3 "$fixture" make . || exit 1
python3 "$fixture" serve . &
CLEANUP=("kill $! 2>/dev/null")
for _ in {1..100}; do [[ -s port ]] && break || sleep 0.1; done
server=http://127.0.0.1:$(cat port) || exit 1
store=$HOME/.cache/rules_inference/store

# models WORKSPACE ARGUMENT...: sets `out` (both streams) and `status`.
models() {
  local workspace=$1
  shift
  out=$(cd "$workspace" && "$inferctl" models "$@" 2>&1)
  status=$?
}
# requests: what the server was asked for since the last call.
requests() {
  LC_ALL=C sort requests.log | paste -sd' '
  : >requests.log
}
hash_of() { sha256sum "$1" | cut -c1-64; }

# --- lock ----------------------------------------------------------------------------------------------------------------

models one lock "shards=$server/o/shards/tree/main"
equal "a hub: all files of the commit that the branch is" "$status $(sed 's/, sha256 .*//' <<<"$out")" "0 + shards: 5 files, 449 B
  + $server/o/shards at 1111111111111111111111111111111111111111
  + config.json: json, 15 B
  + model-00001-of-00002.safetensors: safetensors, 166 B
  + model-00002-of-00002.safetensors: safetensors, 166 B
  + model.safetensors.index.json: json, 98 B
  + vocab/words.txt: text, 4 B"
requests >log
equal "the branch is asked for once" "$(grep -o '/revision/main' log | wc -l) $(grep -o 'resolve/main' log | wc -l)" "1 0"
equal "of large files the head is read" "$(grep -o '/cdn/[^ ]*' log | wc -l)" "3"
check_pins() {
  python3 - <<'PY'
import hashlib, json, pathlib
for model in json.load(open("one/models.lock.json"))["models"]:
    for file in model["files"]:
        data = (pathlib.Path("hub/o/shards") / model["revision"] / file["path"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(data).hexdigest() and file["size"] == len(data), file
    print(model["licence"], model["revision"][:4], model["shard_sets"][0]["files"])
PY
}
equal "sizes and digests are those of the files" "$(check_pins)" \
  "mit 1111 ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']"
models one lock --check
equal "check" "$status $out" "0 $SCRATCH/one/models.lock.json: 1 model, right"
printf %040d 0 | tr 0 2 >hub/o/shards/main
cp -r hub/o/shards/1111111111111111111111111111111111111111/. hub/o/shards/2222222222222222222222222222222222222222/
printf '{"small": false}' >hub/o/shards/2222222222222222222222222222222222222222/config.json
models one lock --dry-run "shards=$server/o/shards/tree/main"
equal "a branch that has moved is a diff" "$status $(grep -cE 'revision: 1{40} -> 2{40}' <<<"$out") $(grep -c 'config.json: 15 B -> 16 B' <<<"$out")" "3 1 1"
equal "a dry run writes nothing" "$(grep -c 2222222222222222222222222222222222222222 one/models.lock.json)" 0
models one lock "shards=$server/o/shards/tree/1111111111111111111111111111111111111111"
equal "a commit stays what it is" "$status $out" "0 $SCRATCH/one/models.lock.json: nothing has changed"

models one lock "tiny:f16=$server/files/tiny-f16.bin" --min-memory 4MB --licence mit
equal "a url" "$status $(head -n 1 <<<"$out")" "0 + tiny:f16: 1 file, 3.0 kB"
models one lock "tiny=$server/files/tiny-q5_1.bin" --variant q5_1 --min-memory 2MB
equal "another variant" "$status $(head -n 1 <<<"$out")" "0 + tiny:q5_1: 1 file, 4.0 kB"
models one lock "local=$SCRATCH/files/tiny-q8_0.bin"
equal "a local file, which is on this machine only" "$status $(head -n 1 <<<"$out")" \
  "0 note: $SCRATCH/one/models.lock.json: local: tiny-q8_0.bin: is on this machine only"
models one lock --remove local
equal "a model goes" "$status $out" "0 - local: 1 file, 4.0 kB"
models one lock "local=../files/tiny-q8_0.bin" --url-base "$server/files"
equal "a local file that will be elsewhere" "$status $(grep -c "\"$server/files/tiny-q8_0.bin\"" one/models.lock.json)" "0 1"

cp one/models.lock.json before.json
while IFS='|' read -r name arguments message; do
  read -ra words <<<"$arguments"
  models one lock "${words[@]}"
  equal "refused: $name" "$status $(head -n 1 <<<"$out")" "1 error: $message"
done <<EOF2
a branch in a url|x=$server/o/shards/resolve/main/config.json|models lock: $SCRATCH/one/models.lock.json: x: got url '$server/o/shards/resolve/main/config.json', in which 'main' moves, expected an address whose bytes stay
a missing shard|x=$server/o/incomplete/tree/main|models lock: $SCRATCH/one/models.lock.json: x: got no shard 'model-00002-of-00002.safetensors', expected all 2 of 'model-00001-of-00002.safetensors'
a pickle|x=$server/o/unsafe/tree/main|model file: model.bin: got a pickle, which runs code when it is loaded, expected safetensors, gguf, ggml, onnx, tflite, json or text
a pickle under another name|x=$server/o/renamed/tree/main|model file: model.safetensors: got pickle, expected safetensors, as its name says
names that are one elsewhere|x=$server/o/cases/tree/main|models lock: $SCRATCH/one/models.lock.json: x: got paths 'A.txt' and 'a.txt', expected paths that differ on every file system
a web page|x=$server/files/page.bin|model file: page.bin: got a web page, expected the file
what is not there|x=$server/files/none.bin|absent: $server/files/none.bin: got 404, expected 200
a repository that is not for us|x=$server/gated/m/tree/main|not allowed: $server/api/models/gated/m/revision/main: got 401, expected 200
no source||models lock: $SCRATCH/one/models.lock.json: got no source, expected sources, --remove NAME, or --check
EOF2
equal "a refusal changes nothing" "$(cmp one/models.lock.json before.json && echo same) $(ls -A "$store" 2>/dev/null)" "same "
models one lock "unsafe=$server/o/unsafe/tree/main" --exclude '*.bin'
equal "what is left out is not looked at" "$status $(grep -c '"path": "a.gguf"' one/models.lock.json)" "0 1"
models one lock "unsafe=$server/o/unsafe/tree/main" --allow pickle
equal "a pickle by opt-in, with what the hub says of it" "$status $(head -n 1 <<<"$out")" "0 note: unsafe: model.bin: the hub calls it unsafe"
models one lock --remove unsafe
sed 's/"path": "config.json"/"path": "..\/config.json"/' one/models.lock.json >bad.json
out=$("$inferctl" models lock --check --lock bad.json 2>&1)
equal "a lock that was edited" "$? $out" \
  "1 error: models lock: $SCRATCH/bad.json: shards: path: '../config.json': got component '..', expected no '.' and no '..'"

# --- fetch, list, path, why ----------------------------------------------------------------------------------------------

requests >/dev/null
models one fetch </dev/null
equal "without a name and a terminal" "$status $out" \
  "1 error: models fetch: $SCRATCH/one/models.lock.json: got no name, expected --all, or some of local, shards, tiny:f16, tiny:q5_1"
models one fetch tin
equal "an unknown name" "$status $out" "1 error: model: $SCRATCH/one/models.lock.json: got 'tin', expected one of local, shards, tiny:f16, tiny:q5_1"
equal "nothing was asked for" "$(requests)" ""
models one fetch tiny
equal "a name is the first variant" "$status $out $(requests)" "0 tiny:f16: 1 file, 3.0 kB, 3.0 kB fetched /files/tiny-f16.bin"
models one fetch tiny
equal "twice" "$status $out $(requests)" "0 tiny:f16: 1 file, 3.0 kB, was there "
models one lock "same=$server/files/tiny-f16.bin"
before=$(find "$store/sha256" -type f | wc -l)
requests >/dev/null
models one fetch same
equal "one digest under two names is one blob" "$status $out $(requests) $(find "$store/sha256" -type f | wc -l)" "0 same: 1 file, 3.0 kB, was there  $before"
models one lock --remove same
out=$(cd one && python3 "$fixture" pick "$inferctl" models fetch "4 2-2")
equal "the list at a terminal" "$? $out" "0   1  local         4.0 kB
  2  shards         449 B
  3  tiny    f16   3.0 kB  stored
  4  tiny    q5_1  4.0 kB
tiny:q5_1: 1 file, 4.0 kB, 4.0 kB fetched
shards: 5 files, 449 B, 449 B fetched"
models one path tiny:q5_1
equal "path" "$status $(hash_of "$out")" "0 $(hash_of files/tiny-q5_1.bin)"
models one path local
equal "the path of what is not there" "$status $(tail -n 1 <<<"$out")" "1 hint: inferctl models fetch local"

mkdir -p two/below
models two lock "small=$server/files/tiny-q5_1.bin" "eight=$server/files/tiny-q8_0.bin"
models two/below fetch --all
equal "a lock above" "$status $(wc -l <<<"$out")" "0 2"
models one list
equal "list" "$status $(sed 's/; .* free/; N free/' <<<"$out")" "0   model   variant  files    size  state   last use  kept by
  local                1  4.0 kB  stored  today     this workspace, $SCRATCH/two
  shards               5   449 B  stored  today     this workspace
  tiny    f16          1  3.0 kB  stored  today     this workspace
  tiny    q5_1         1  4.0 kB  stored  today     this workspace, $SCRATCH/two
  4 of 4 models, 11.5 kB of 11.5 kB

  store  ~/.cache/rules_inference/store: 8 blobs, 11.5 kB; N free"
models two list --json
equal "list as JSON" "$(python3 -c 'import json, sys
report = json.load(sys.stdin)
print([(m["name"], m["files_stored"]) for m in report["active"]], [(m["name"], m.get("variant", "")) for m in report["others"]], report["store"]["blobs"])' <<<"$out")" \
  "[('eight', 1), ('small', 1)] [('shards', ''), ('tiny', 'f16')] 8"
models two why small
equal "why" "$status $(sed 's/since .*/since D/' <<<"$out")" "0 small/tiny-q5_1.bin
  ~/.cache/rules_inference/store/sha256/$(hash_of files/tiny-q5_1.bin | cut -c1-2)/$(hash_of files/tiny-q5_1.bin)
  kept by  $SCRATCH/one/models.lock.json, since D
  kept by  $SCRATCH/two/models.lock.json (this workspace), since D"

# --- prune ---------------------------------------------------------------------------------------------------------------

models one prune --grace 0s
equal "what is needed stays" "$status $out" "0 removed  0 blobs, 0 B
kept  8 blobs, 11.5 kB, held by a root"
models two lock --remove eight --remove small
models two prune --dry-run --grace 0s
equal "a dry run says that the store does not know yet" "$status $(head -n 1 <<<"$out")" \
  "0 note: the store knows an older lock of this workspace; a prune without --dry-run tells it"
models two prune --grace 0s
equal "one workspace needs nothing, the other keeps all" "$status $out" "0 removed  0 blobs, 0 B
kept  8 blobs, 11.5 kB, held by a root"
models one lock --remove local
models one prune
equal "what has just been used stays" "$status $(head -n 1 <<<"$out")" "0 removed  0 blobs, 0 B"
models one why "$(hash_of files/tiny-q8_0.bin)"
equal "why of what nobody keeps" "$status $(tail -n 1 <<<"$out")" "3   kept by  nobody"
models one prune --older-than 30d --grace 0s
equal "younger than asked for" "$status $(head -n 1 <<<"$out")" "0 removed  0 blobs, 0 B"
models one prune --dry-run --grace 0s
equal "a dry run" "$status $(head -n 1 <<<"$out") $(find "$store/sha256" -type f | wc -l)" "0 would remove  1 blob, 4.0 kB 8"
models one prune --max-size 1TB --grace 0s
equal "a store that is small enough" "$status $(head -n 1 <<<"$out")" "0 removed  0 blobs, 0 B"
models one prune --max-size 0 --grace 0s --json
equal "max-size takes nothing that is held" "$status $(python3 -c 'import json, sys
report = json.load(sys.stdin)
print(len(report["removed"]), report["kept"][0]["blobs"])' <<<"$out") $(find "$store/sha256" -type f | wc -l)" "0 1 7 7"
models one prune --older-than soon
equal "no time" "$status $out" "1 error: flags: 'soon': got no time, expected a number with s, m, h, d or w, such as 30d"
mv one away
out=$("$inferctl" models prune --grace 0s 2>&1)
equal "the models of a workspace that is gone stay" "$? $(grep -c 'is gone, and what it kept stays' <<<"$out") $(find "$store/sha256" -type f | wc -l)" "0 1 7"
mv away one

# --- verify, repair ------------------------------------------------------------------------------------------------------

models one verify
equal "verify" "$status $out" "0 7 right, 0 damaged or missing"
blob=$store/sha256/$(hash_of files/tiny-f16.bin | cut -c1-2)/$(hash_of files/tiny-f16.bin)
chmod u+w "$blob" && printf X | dd of="$blob" bs=1 seek=9 conv=notrunc status=none
models one verify tiny
equal "a damaged file" "$status $(grep -c "^damaged  tiny:f16/tiny-f16.bin" <<<"$out") $(tail -n 1 <<<"$out")" "3 1 0 right, 1 damaged or missing"
models one repair
equal "repair" "$status $out $(hash_of "$blob")" "0 tiny:f16/tiny-f16.bin: 3.0 kB fetched
1 file repaired $(hash_of files/tiny-f16.bin)"
models one repair
equal "nothing to repair" "$status $out" "0 nothing to repair"

# --- import, export, materialise -----------------------------------------------------------------------------------------

requests >/dev/null
models one export shards tiny --to "$SCRATCH/hubcache"
equal "export" "$status $(grep -c 'snapshots/1111111111111111111111111111111111111111: 5 files' <<<"$out")" "0 1"
offline() {
  python3 - <<'PY'
import pathlib
# As the library of the hub finds a file of the branch main.
root = pathlib.Path("hubcache/models--o--shards")
snapshot = root / "snapshots" / (root / "refs" / "main").read_text()
print(sorted(str(path.relative_to(snapshot)) for path in snapshot.rglob("*") if path.is_file()), (snapshot / "vocab" / "words.txt").read_text().split())
PY
}
equal "a library finds it without a network" "$(offline)" \
  "['config.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json', 'vocab/words.txt'] ['a', 'b']"
models one export shards tiny --to "$SCRATCH/hubcache"
equal "export again" "$status $(grep -c 'was there' <<<"$out")" "0 2"
models one import "$SCRATCH/hubcache" --store "$SCRATCH/other"
equal "import of a hub cache" "$status $(tail -n 1 <<<"$out") $(requests)" "0 6 files, 3.5 kB imported "
models one import "$SCRATCH/files/page.bin" --store "$SCRATCH/other"
equal "import of something else" "$status $(head -n 1 <<<"$out")" \
  "1 error: models import: $SCRATCH/files/page.bin: got sha256:$(hash_of files/page.bin), expected a file of the lock"
python3 - <<'PY'
import json
lock = json.load(open("one/models.lock.json"))
lock["models"] = [model for model in lock["models"] if model["name"] == "shards"]
json.dump(lock, open("manifest.json", "w"))
PY
models . materialise manifest.json --to served
equal "materialise" "$status $(cat served/vocab/words.txt | paste -sd,) $(find served -type f | wc -l) $(stat -c %a served/config.json)" "0 a,b 5 444"
equal "from the store alone" "$(requests)" ""
models . materialise manifest.json --to served --copy
equal "as files of their own" "$status $(stat -c %h served/config.json)" "0 1"

# --- no server, and a full disk ------------------------------------------------------------------------------------------

sed "s#:[0-9]*/files#:9/files#" one/models.lock.json >unreachable.json
: >dead
(cd one && timeout 60 "$inferctl" models fetch tiny --lock ../unreachable.json --store "$SCRATCH/third" >../log 2>&1)
equal "no server" "$? $(grep -c '^error: tiny:f16: tiny-f16.bin: cannot connect: http://127.0.0.1:9/files/tiny-f16.bin' log)" "1 1"
equal "and a store without a blob" "$(find third/sha256 -type f 2>/dev/null | wc -l)" 0
python3 - <<'PY'
import json
lock = json.load(open("one/models.lock.json"))
for model in lock["models"]:
    for file in model["files"]:
        file["size"] = 1 << 60
json.dump(lock, open("huge.json", "w"))
PY
requests >/dev/null
models . fetch tiny --lock huge.json --store "$SCRATCH/third"
equal "more than the disk has" "$status $(grep -c '^error: disk too full:' <<<"$out") $(requests)" "1 1 "

# --- the example ---------------------------------------------------------------------------------------------------------

out=$("$REPO/examples/models/two_workspaces.sh" "$inferctl" 2>&1)
equal "examples/models" "$? $(tail -n 1 <<<"$out")" "0 the second workspace keeps its model, and the first one's is gone"

exit "$FAILED"
