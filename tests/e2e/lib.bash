# shellcheck shell=bash disable=SC2034 # variables are for those who source this file
# Shared by the check.sh of all outside workspaces; sourced by them.
#
#   BAZEL_CMD  command that runs Bazel        (default: the repository's bazelw)
#   MODE       module (default) or workspace
#   PLUGIN_SET folder with a set of plugins, or one that gets it: copied workspaces use it, and compile none (default: they
#              compile what they use)
#
# Each check prints `PASS name`, `FAIL name: why` or `SKIP name: why`; the exit code is 1 when one failed.

here=$(cd -P -- "$(dirname -- "${BASH_SOURCE[1]}")" && pwd) || exit 1
repo=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
read -r -a bazel <<<"${BAZEL_CMD:-$repo/bazelw}"
mode=${MODE:-module}
suite=$(basename -- "$here")
scratch=$(mktemp -d "${HOME:?}/.e2e_$suite.XXXXXX") || exit 1
failed=0
# Before another folder is the current one.
[[ -z ${PLUGIN_SET:-} ]] || PLUGIN_SET=$(realpath -m -- "$PLUGIN_SET")
cd -- "$here" || exit 1

modes=(--lockfile_mode=off)
if [[ $mode == workspace ]]; then modes=(--noenable_bzlmod --enable_workspace); fi

# Where Bazel runs; a check may use a copy of its workspace.
workspace_dir=$here

# bazel_in BASE COMMAND ARGUMENT...: in an output base of the test; what it prints is in $scratch/out and $scratch/err.
bazel_in() {
  local base=$1 command=$2 symlinks=(--experimental_convenience_symlinks=ignore)
  shift 2
  [[ $command == query ]] && symlinks=()
  (cd -- "$workspace_dir" && "${bazel[@]}" --output_base="$scratch/$base" --max_idle_secs=60 "$command" "${modes[@]}" --curses=no \
    --noshow_progress "${symlinks[@]}" "$@") >"$scratch/out" 2>"$scratch/err"
}

# run BASE COMMAND ARGUMENT...: the same, with a repository cache that is empty at first. A check may have its own.
run() {
  local base=$1 command=$2
  shift 2
  bazel_in "$base" "$command" --repository_cache="$scratch/repository_cache" "$@"
}

# copy_workspace: Bazel runs in a copy, for workspaces whose locks name the port of a server.
copy_workspace() {
  workspace_dir=$scratch/workspace
  cp -r "$here" "$workspace_dir"
  sed -i "s#\"../../..\"#\"$repo\"#" "$workspace_dir/MODULE.bazel" "$workspace_dir/WORKSPACE"
  if [[ -n ${PLUGIN_SET:-} ]] && ! grep -q 'plugins.prebuilt' "$workspace_dir/MODULE.bazel"; then use_plugin_set; fi
}

# use_plugin_set: what the copy does not compile it takes from $PLUGIN_SET.
use_plugin_set() {
  make_plugin_set || exit 1
  sed 's#"url_template": ".*/#"url_template": "file://'"$PLUGIN_SET"'/#' "$PLUGIN_SET/plugins_here.variants.lock.json" \
    >"$workspace_dir/plugin_set.lock.json"
  cat >>"$workspace_dir/MODULE.bazel" <<'TEXT'

plugins = use_extension("@rules_inference//rules:extensions.bzl", "plugins")
plugins.prebuilt(lock = "//:plugin_set.lock.json")
TEXT
  sed -i '/^rules_inference_dependencies()/i load("@rules_inference//rules:repositories.bzl", "plugins_prebuilt")\nplugins_prebuilt(lock = "//:plugin_set.lock.json")' \
    "$workspace_dir/WORKSPACE"
}

# start_server SCRIPT: `SCRIPT serve $scratch` on loopback, which writes $scratch/port and $scratch/requests.log; its id is $server.
start_server() {
  rm -f "$scratch/port"
  : >>"$scratch/requests.log"
  python3 "$1" serve "$scratch" &
  server=$!
  CLEANUP=("kill $server 2>/dev/null")
  for _ in {1..100}; do
    [[ -s $scratch/port ]] && return
    sleep 0.1
  done
  echo "FAIL ${suite}_$mode/server: no port after 10 s"
  exit 1
}

# make_plugin_set: $PLUGIN_SET has a set of plugins of this repository, for this machine, by its own compiler; made when the
# folder has none. Whoever sets PLUGIN_SET makes it once for many checks.
make_plugin_set() {
  export PLUGIN_SET=${PLUGIN_SET:-$scratch/plugin_set}
  # A release is copied with its lock last.
  [[ -e $PLUGIN_SET/plugins_here.variants.lock.json ]] && return
  (cd -- "$repo" && "${bazel[@]}" run --curses=no --noshow_progress //toolchains/plugins/release:plugins_here -- "$PLUGIN_SET") \
    >"$scratch/out" 2>"$scratch/err" && return
  check "a set of plugins is made" "exit code $?" 0
  return 1
}

# requests: what the server was asked for since the last call.
requests() {
  LC_ALL=C sort "$scratch/requests.log" | paste -sd' '
  : >"$scratch/requests.log"
}

# stop BASE: ends its server, and every worker with it.
stop() { (cd -- "$workspace_dir" && "${bazel[@]}" --output_base="$scratch/$1" shutdown >/dev/null 2>&1); }

# check NAME GOT EXPECTED
check() {
  if [[ $2 == "$3" ]]; then
    echo "PASS ${suite}_$mode/$1"
  else
    echo "FAIL ${suite}_$mode/$1: got '$2', expected '$3'"
    failed=1
    tail -n 30 "$scratch/err" >&2
  fi
}

skip() { echo "SKIP ${suite}_$mode/$1: $2"; }

# check_message NAME TEXT: the last command has failed, and said TEXT.
check_message() {
  if grep -qF -- "$2" "$scratch/err"; then check "$1" said said; else check "$1" "no such text" "$2"; fi
}

bases=()
CLEANUP=()
# shellcheck disable=SC2329 # called by trap
cleanup() {
  local item
  for item in "${CLEANUP[@]}"; do eval "$item"; done
  for item in "${bases[@]}"; do [[ -d $scratch/$item ]] && stop "$item"; done
  chmod -R u+w "$scratch"
  rm -rf "$scratch"
}
trap cleanup EXIT
