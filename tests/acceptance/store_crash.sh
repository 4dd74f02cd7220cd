#!/usr/bin/env bash
# The store in a real process that is killed at every one of its system calls that write, and refused by the kernel: no blob
# with wrong bytes has its name, nothing that a root holds is gone, and the next run ends what the killed one has begun.
# Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

needs "store killed and refused" strace || exit 0
build_or_die //bench/store:store_bench
store=$(files_of //bench/store:store_bench)
cd "$SCRATCH" || exit 1

# Large enough to be fetched in parts, and not a multiple of anything.
size=$((17 * 1048576 + 333))
head -c "$size" /dev/urandom >data
digest=$(sha256sum data | cut -c1-64)
root=$SCRATCH/root
blob=$root/sha256/${digest:0:2}/$digest

# What is given goes before the command.
# shellcheck disable=SC2120
fetch() { "$@" "$store" fetch "$root" "file://$SCRATCH/data" "$size" "$digest"; }
# shellcheck disable=SC2120
prune() { "$@" "$store" prune "$root"; }

# inject WORK SYSCALL WHAT N: the N-th of these calls kills the process, or is refused. The outer redirection is for the shell.
inject() {
  { "$1" strace -f -qq -o trace -e trace="$2" -e inject="$2:$3:when=$4" >log 2>&1; } 2>/dev/null
}

blobs_are_right() {
  local path
  while read -r path; do
    [[ $(sha256sum "$path" | cut -c1-64) == "$(basename "$path")" ]] || return 1
  done < <(find "$root/sha256" -type f -regextype posix-extended -regex '.*/[0-9a-f]{64}' 2>/dev/null)
}
# What the next run cannot know to be dead, or does not look at, goes by a prune a day later: unfinished files with names of their
# own, and the range map of a blob that got its name just before the process was killed.
leftovers() {
  [[ ! -f $blob ]] || rm -f "$root/parts/$digest.jsonl"
  find "$root"/sha256 "$root"/parts "$root"/trash "$root"/leases -type f ! -name '.*.partial' 2>/dev/null | grep -vcE '/[0-9a-f]{64}$'
}

# every NAME WORK WHAT STEP SYSCALL...: each STEP-th call, one per run, until a run makes fewer. `before` and `after` are functions
# of the caller; `after` says what is wrong.
every() {
  local name=$1 work=$2 what=$3 step=$4 call n wrong='' count=0
  shift 4
  for call in "$@"; do
    for ((n = 1; n < 400; n += step)); do
      before
      inject "$work" "$call" "$what" "$n"
      grep -qE 'INJECTED|killed by SIGKILL' trace || break
      count=$((count + 1))
      blobs_are_right || wrong+=" $call #$n: a wrong blob"
      wrong+=$(after "$call #$n")
    done
  done
  equal "$name" "${wrong:-$((count > 20))}" 1
  echo "$name: $count runs ended early"
}

before() { rm -rf "$root"; }
after() {
  fetch >log 2>&1 || echo " $1: the next fetch fails: $(head -c 200 log)"
  [[ -f $blob ]] && blobs_are_right || echo " $1: no blob after the next fetch"
  [[ $(leftovers) == 0 ]] || echo " $1: leftovers"
}
every "fetch killed" fetch signal=SIGKILL 1 openat fsync fdatasync fchmod rename unlink ftruncate fallocate
every "fetch killed while it writes" fetch signal=SIGKILL 5 pwrite64
every "disk full in a fetch" fetch error=ENOSPC 5 pwrite64 fsync rename ftruncate

# Ten blobs, half of them held by roots.
"$store" fill "$SCRATCH/small" 10
held=$(cat "$SCRATCH"/small/roots/* | grep -oE 'sha256:[0-9a-f]{64}' | cut -c8- | sort)
before() {
  rm -rf "$root"
  cp -a "$SCRATCH/small" "$root"
}
after() {
  local hex
  for hex in $held; do
    [[ -f $root/sha256/${hex:0:2}/$hex ]] || echo " $1: held by a root and gone"
  done
  prune >log 2>&1 || echo " $1: the next prune fails: $(head -c 200 log)"
  [[ $(find "$root/sha256" -type f -printf '%f\n' | sort) == "$held" ]] || echo " $1: the next prune leaves something else"
  [[ $(leftovers) == 0 ]] || echo " $1: leftovers"
}
every "prune killed" prune signal=SIGKILL 1 openat fsync rename unlink write
every "disk full in a prune" prune error=ENOSPC 1 openat fsync rename write

exit "$FAILED"
