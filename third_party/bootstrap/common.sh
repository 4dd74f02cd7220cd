# shellcheck shell=bash
# Shared by bazelw and its two helpers: messages, the cache folder, locking, the closed-machine probe.

# Changes when the way Bazel is assembled changes; a new value makes a new folder, so that old ones stay usable.
# shellcheck disable=SC2034
BAZEL_RECIPE=7-r1

note() { printf 'bazelw: %s\n' "$*" >&2; }

# die WHAT WHERE GOT EXPECTED HINT: one clear line, then a hint; leaves with 1 (97 inside).
die() {
  printf 'error: %s: %s: got %s, expected %s\n' "$1" "$2" "$3" "$4" >&2
  [[ -z ${5:-} ]] || printf 'hint: %s\n' "$5" >&2
  exit 97
}

# No failure is silent: what is not foreseen names its place.
# Status 97 means "already said"; the outermost shell turns it into 1.
unforeseen() {
  local status=$1 file=$2 line=$3
  ((status == 97)) || printf 'error: bazelw: %s:%s: command failed with status %s\n' "${file##*/}" "$line" "$status" >&2
  exit 97
}
trap 'unforeseen "$?" "${BASH_SOURCE[0]}" "$LINENO"' ERR
trap 'status=$?; exit $((status == 97 ? 1 : status))' EXIT
set -E

# Sets BAZELW_HOME to an absolute folder outside /tmp: the sandbox of Bazel hides the machine's /tmp.
resolve_home() {
  if [[ -z ${BAZELW_HOME:-} ]]; then
    [[ -n ${XDG_CACHE_HOME:-}${HOME:-} ]] ||
      die "no cache folder" "environment" "neither HOME nor XDG_CACHE_HOME" "one of them" "set BAZELW_HOME"
    BAZELW_HOME=${XDG_CACHE_HOME:-$HOME/.cache}/rules_inference/bazelw
  fi
  mkdir -p -- "$BAZELW_HOME" 2>/dev/null && [[ -w $BAZELW_HOME ]] ||
    die "cache folder not usable" "BAZELW_HOME" "'$BAZELW_HOME'" "a folder that can be written" "set BAZELW_HOME"
  BAZELW_HOME=$(cd -P -- "$BAZELW_HOME" && pwd)
  case $BAZELW_HOME/ in
    /tmp/* | /var/tmp/*)
      die "cache folder not usable" "BAZELW_HOME" "'$BAZELW_HOME'" "a folder outside /tmp, which sandboxes hide" \
        "set BAZELW_HOME"
      ;;
  esac
  [[ $BAZELW_HOME != *[[:space:]]* ]] ||
    die "cache folder not usable" "BAZELW_HOME" "'$BAZELW_HOME'" "a path without white space (Java's class path)" \
      "set BAZELW_HOME; the workspace itself may have spaces"
}

# Runs "$@" while no other bazelw of this user prepares anything. The lock is the kernel's: it ends with the process.
with_lock() {
  (
    if ! flock -n 9; then
      note "waiting for another bazelw that is preparing $BAZELW_HOME"
      flock 9
    fi
    rm -rf -- "$BAZELW_HOME"/.tmp.*
    "$@"
  ) 9>"$BAZELW_HOME/.lock"
}

need_space() { # MEGABYTES
  local free
  free=$(df -Pm -- "$BAZELW_HOME" | awk 'NR == 2 { print $4 }')
  ((free >= $1)) ||
    die "not enough disk space" "$BAZELW_HOME" "$free MB free" "$1 MB" "free some space, or set BAZELW_HOME to another disk"
}

sha256_of() { sha256sum -- "$1" | cut -d' ' -f1; }

reachable() {
  if command -v curl >/dev/null; then
    curl -fsSL -o /dev/null --max-time 8 "$1" 2>/dev/null
  elif command -v wget >/dev/null; then
    wget -q -O /dev/null -T 8 -t 1 "$1" 2>/dev/null
  else
    local host=${1#https://}
    timeout 8 bash -c "exec 3<>/dev/tcp/${host%%/*}/443" 2>/dev/null
  fi
}

# 0 when the central registry or source hosting cannot be reached. A "closed" answer is kept for a day.
closed_machine() {
  case ${BAZELW_OFFLINE:-auto} in
    1) return 0 ;;
    0) return 1 ;;
    auto) ;;
    *) die "bad setting" "BAZELW_OFFLINE" "'$BAZELW_OFFLINE'" "1, 0 or auto" "" ;;
  esac
  local answer=$BAZELW_HOME/probe
  if [[ -n $(find "$answer" -mmin -1440 2>/dev/null) ]]; then
    [[ $(<"$answer") == closed ]]
    return
  fi
  local state=closed
  if reachable https://bcr.bazel.build/bazel_registry.json && reachable https://github.com/robots.txt; then state=open; fi
  printf '%s\n' "$state" >"$answer.$$" && mv -f -- "$answer.$$" "$answer"
  if [[ $state == closed ]]; then
    note "source hosting is out of reach: using Debian's sources (BAZELW_OFFLINE=0 turns this off)"
    return 0
  fi
  return 1
}
