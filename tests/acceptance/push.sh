#!/usr/bin/env bash
# oci_push into a real registry (Debian's docker-registry), and through a proxy that makes trouble. Environment: see
# lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

needs "push" docker-registry skopeo python3 || exit 0
build_or_die //tests/image:push //tests/image:image //tests/image:index //plugins/layer/registry:push
layout=$(files_of //tests/image:image)
push=$(files_of //plugins/layer/registry:push)
digest=$(manifest_of "$layout")
export DOCKER_CONFIG=$SCRATCH/docker
unset REGISTRY_AUTH_FILE XDG_RUNTIME_DIR http_proxy https_proxy all_proxy
mkdir -p "$DOCKER_CONFIG"

# registry NAME LINE...: a registry with lines of configuration more; sets `port` and `log`.
registry() {
  local name=$1
  shift
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  log=$SCRATCH/$name.log
  {
    printf 'version: 0.1\nlog: {level: info, formatter: text}\n'
    printf 'storage: {filesystem: {rootdirectory: %s}}\n' "$SCRATCH/$name"
    printf 'http: {addr: "127.0.0.1:%s"}\n' "$port"
    printf '%s\n' "$@"
  } >"$SCRATCH/$name.yaml"
  docker-registry serve "$SCRATCH/$name.yaml" >"$log" 2>&1 &
  CLEANUP+=("kill $! 2>/dev/null")
  for _ in {1..100}; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
    sleep 0.1
  done
}

# run ARGUMENT...: what the program prints, with its exit code, and without what differs between machines.
run() {
  { HOME=$SCRATCH XDG_CONFIG_HOME='' "$push" "$@" 2>&1; echo "exit code $?"; } | sed -E "s/127\.0\.0\.1:[0-9]+/REGISTRY/g; s/$digest/DIGEST/g; s/[0-9.]+ [kM]?B\)/SIZE)/g; s#$SCRATCH#SCRATCH#g" | paste -sd'|'
}

blobs=$(find "$layout/blobs/sha256/" -mindepth 1 | wc -l)
((blobs -= 1)) # The manifest is none.

# The rule, into an empty registry.
registry plain
out=$(bazel run //tests/image:push -- --repository "127.0.0.1:$port/team/app" --digest-file "$SCRATCH/digest" 2>"$SCRATCH/err")
equal "a line for each tag" "$out" "$(printf '127.0.0.1:%s/team/app:%s@%s\n' "$port" from-rule "$digest" "$port" from-file "$digest")"
equal "what was done" "$(tail -n 1 "$SCRATCH/err" | sed -E 's/\([^)]*\)/(SIZE)/')" "pushed $blobs blobs (SIZE)"
equal "the file with the digest" "$(cat "$SCRATCH/digest")" "127.0.0.1:$port/team/app@$digest"
equal "the registry has the tags" "$(skopeo list-tags --tls-verify=false "docker://127.0.0.1:$port/team/app" | grep from | sort | tr -d ' ,\n')" \
  '"from-file""from-rule"'
skopeo copy -q --preserve-digests --src-tls-verify=false "docker://127.0.0.1:$port/team/app:from-rule" "oci:$SCRATCH/back:x"
equal "and gives the image back" "$(manifest_of "$SCRATCH/back")" "$digest"
for blob in "$SCRATCH"/back/blobs/sha256/*; do
  cmp -s "$blob" "$layout/blobs/sha256/${blob##*/}" || fail "blob ${blob##*/}" "differs"
done

# Again, and elsewhere.
to=(--layout "$layout" --repository "127.0.0.1:$port/team/app")
requests() { grep -c 'http.request.method' "$log"; }
before=$(requests)
equal "again: nothing is pushed" "$(run "${to[@]}" -t from-rule)" \
  "pushed 0 blobs (SIZE), there already: $blobs blobs (SIZE)|REGISTRY/team/app:from-rule@DIGEST|exit code 0"
# The registry writes of a request when it has answered it.
heads() { grep 'response completed' "$log" | tail -n +$((before + 1)) | grep -c 'method=HEAD'; }
for _ in {1..100}; do (($(heads) >= 2)) && break || sleep 0.1; done
equal "one request for the image, one for the tag" "$(heads)" 2
equal "a tag more" "$(run "${to[@]}" -t two)" \
  "pushed 0 blobs (SIZE), there already: $blobs blobs (SIZE)|REGISTRY/team/app:two@DIGEST|exit code 0"
to=(--layout "$layout" --repository "127.0.0.1:$port/other")
equal "a dry run" "$(run "${to[@]}" --dry-run -t x)" "would push $blobs blobs (SIZE)|REGISTRY/other:x@DIGEST|exit code 0"
equal "changes nothing" "$(find "$SCRATCH/plain" -path '*repositories/other*' | wc -l)" 0
equal "blobs of another repository are mounted" "$(run "${to[@]}" --mount-from team/app)" \
  "pushed 0 blobs (SIZE), mounted $blobs blobs (SIZE)|REGISTRY/other@DIGEST|exit code 0"
to=(--layout "$layout" --repository "127.0.0.1:$port/third")
equal "a repository that has none is no harm" "$(run "${to[@]}" --mount-from nobody/knows -t x)" \
  "pushed $blobs blobs (SIZE)|REGISTRY/third:x@DIGEST|exit code 0"

# Images for two platforms, which have their one layer once.
index=$(files_of //tests/image:index)
digest=$(manifest_of "$index")
equal "an index" "$(run --layout "$index" --repository "127.0.0.1:$port/many" -t 1)" \
  "pushed 3 blobs (SIZE)|REGISTRY/many:1@DIGEST|exit code 0"
equal "has its platforms" \
  "$(skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$port/many:1" | python3 -c '
import json, sys
print([m["platform"] for m in json.load(sys.stdin)["manifests"]])')" \
  "[{'architecture': 'amd64', 'os': 'linux'}, {'architecture': 'arm64', 'os': 'linux'}]"
equal "and each machine gets its image" \
  "$(skopeo inspect --override-arch arm64 --tls-verify=false "docker://127.0.0.1:$port/many:1" | grep -c '"Architecture": "arm64"')" 1

# Trouble. Of a layer that is large enough to be cut.
large=$SCRATCH/large
python3 - "$large" <<'PY'
import hashlib, json, os, pathlib, sys
root = pathlib.Path(sys.argv[1])
(root / "blobs/sha256").mkdir(parents=True)
def blob(kind, data):
    digest = hashlib.sha256(data).hexdigest()
    (root / "blobs/sha256" / digest).write_bytes(data)
    return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data)}
layers = [blob("layer.v1.tar", os.urandom(n)) for n in (30 << 20, 100_000, 1, 0)]
config = blob("config.v1+json", json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [l["digest"] for l in layers]}}).encode())
manifests = [blob("manifest.v1+json", json.dumps({"schemaVersion": 2, "config": config, "layers": l}).encode()) for l in (layers, layers[1:])]
index = blob("index.v1+json", json.dumps({"schemaVersion": 2, "manifests": manifests}).encode())
(root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [index]}))
(root / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
PY
layout=$large
digest=$(manifest_of "$large")
for trouble in "" cut keep lost busy forget absolute token "token cut" "token busy absolute"; do
  name=${trouble// /-}
  registry "trouble-$name"
  mkdir "$SCRATCH/proxy-$name"
  python3 tests/acceptance/push_proxy.py "$port" "$SCRATCH/proxy-$name" &
  CLEANUP+=("kill $! 2>/dev/null")
  for _ in {1..300}; do [[ -s $SCRATCH/proxy-$name/port ]] && break || sleep 0.1; done
  proxy=$(cat "$SCRATCH/proxy-$name/port")
  echo "$trouble" >"$SCRATCH/proxy-$name/mode"
  printf '{"auths":{"127.0.0.1:%s":{"auth":"dTpw"}}}' "$proxy" >"$DOCKER_CONFIG/config.json"
  equal "trouble: ${trouble:-none}" "$(run --layout "$large" --repository "127.0.0.1:$proxy/a/b" -t 1)" \
    "pushed 5 blobs (SIZE)|REGISTRY/a/b:1@DIGEST|exit code 0"
  skopeo copy -q --all --preserve-digests --src-tls-verify=false "docker://127.0.0.1:$port/a/b:1" "oci:$SCRATCH/copy-$name:x"
  equal "the index and all below it: ${trouble:-none}" \
    "$(cd "$SCRATCH/copy-$name/blobs/sha256" 2>/dev/null && sha256sum -- * | awk '$1 == $2' | wc -l)" 8
  if [[ $trouble == keep ]]; then
    sent=$(awk '$1 == "PATCH" && $3 > 1000000 { n += 1; last = $3 } END { print n, (last < 20000000) }' "$SCRATCH/proxy-$name/requests.log")
    equal "a cut upload goes on where it ended" "$sent" "2 1"
  fi
done

# What users get wrong.
printf '{"auths":{"127.0.0.1:%s":{"auth":"dTpx"}}}' "$proxy" >"$DOCKER_CONFIG/config.json"
equal "a wrong password" "$(run --layout "$large" --repository "127.0.0.1:$proxy/new")" \
  "error: sign-in: http://REGISTRY/token?...: got 401 UNAUTHORIZED 'who are you?', expected 200|hint: the credentials are those of SCRATCH/docker/config.json|exit code 1"
rm "$DOCKER_CONFIG/config.json"
equal "no credentials" "$(run --layout "$large" --repository "127.0.0.1:$proxy/new")" \
  "error: sign-in: http://REGISTRY/token?...: got 401 UNAUTHORIZED 'who are you?', expected 200|hint: no credentials for REGISTRY in SCRATCH/docker/config.json, SCRATCH/.config/containers/auth.json|exit code 1"
echo refuse >"$SCRATCH/proxy-$name/mode"
equal "a refused manifest" "$(run --layout "$large" --repository "127.0.0.1:$proxy/new" -t 2 | sed 's#sha256:[0-9a-f]*#ANY#')" \
  "error: manifest refused: http://REGISTRY/v2/new/manifests/ANY: got 403 DENIED 'not by you', expected 201|hint: no credentials for REGISTRY in SCRATCH/docker/config.json, SCRATCH/.config/containers/auth.json|exit code 1"
equal "leaves no tag" "$(find "$SCRATCH" -path '*repositories/new/_manifests/tags/*' | wc -l)" 0
# shellcheck disable=SC2016 # no variables
printf 'u:$2b$04$JdyMGtLpNdbE7uFyEnE9y.dj76stiVhAhfp3qZB7.g9B4EKufOxLW\n' >"$SCRATCH/htpasswd" # u, secret
registry basic "auth: {htpasswd: {realm: basic-realm, path: $SCRATCH/htpasswd}}"
printf '{"auths":{"127.0.0.1:%s":{"username":"u","password":"secret"}}}' "$port" >"$DOCKER_CONFIG/config.json"
equal "a password without a token server" "$(run --layout "$large" --repository "127.0.0.1:$port/a" -t 1)" \
  "pushed 5 blobs (SIZE)|REGISTRY/a:1@DIGEST|exit code 0"
printf '{"auths":{"127.0.0.1:%s":{"username":"u","password":"other"}}}' "$port" >"$DOCKER_CONFIG/config.json"
equal "and a wrong one" "$(run --layout "$large" --repository "127.0.0.1:$port/a" -t 1)" \
  "error: sign-in: http://REGISTRY/v2/a/manifests/DIGEST: got 401, expected to be let in|hint: the credentials are those of SCRATCH/docker/config.json|exit code 1"
equal "nothing to push to" "$(run --layout "$large")" \
  "error: oci_push: repository: got '', expected a host and lower-case words, such as 'registry.example.com/team/app'|exit code 1"
equal "no host" "$(run --layout "$large" --repository team/app)" \
  "error: oci_push: repository: got 'team/app', expected one with the host of its registry, such as 'registry.example.com/team/app'|exit code 1"
equal "a bad tag" "$(run --layout "$large" --repository r.example.com/a -t 'a b')" \
  "error: oci_push: tag: got 'a b', expected up to 128 letters, digits, '_', '.' and '-', not first '.' or '-'|exit code 1"
equal "a flag that is none" "$(run --nonsense)" \
  "error: flags: oci_push: The following argument was not expected: --nonsense|hint: oci_push --help|exit code 2"
exit "$FAILED"
