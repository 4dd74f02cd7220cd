#!/usr/bin/env bash
# The layer plugin as a real process, killed and refused by the kernel at every one of its system calls: nothing wrong stands
# at a final name, the message is one line, and the next run gives the right bytes. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

needs "killed and refused" strace || exit 0
build_or_die //plugins/layer
plugin=$(files_of //plugins/layer)
cd "$SCRATCH" || exit 1

# Three segments that do not compress, and a small file.
head -c 3000000 /dev/urandom >data
echo small >small
cat >request <<'EOF'
{"layer": {"output": "out.tar.gz", "sideFile": "out.json", "mode": "DEFLATE", "threads": 2}}
{"layer": {"files": [{"path": "data", "type": "FILE", "source": "data"}, {"path": "small", "type": "FILE", "source": "small"}]}}
EOF
"$plugin" @request || exit 1
mkdir right
mv out.tar.gz out.json right

# inject SYSCALL WHAT N: runs the plugin; the N-th of these calls is refused with an error, or kills the process.
inject() {
  # The outer redirection is for the shell, which would say "Killed".
  { strace -f -qq -o trace -e trace="$1" -e inject="$1:$2:when=$3" "$plugin" @request >log 2>&1; } 2>/dev/null
}

# What is there under the final names is whole, and a side file does not stand alone.
state_is_right() {
  [[ ! -e out.tar.gz ]] || cmp -s out.tar.gz right/out.tar.gz || return 1
  [[ ! -e out.json ]] || { cmp -s out.json right/out.json && [[ -e out.tar.gz ]]; }
}

rerun_is_right() {
  "$plugin" @request >log 2>&1 && cmp -s out.tar.gz right/out.tar.gz && cmp -s out.json right/out.json &&
    [[ $(find . -maxdepth 1 -name '*partial*') == "" ]]
}

# every NAME WHAT SYSCALL...: all calls, one per run, until a run makes fewer than that.
every() {
  local name=$1 what=$2 call n wrong='' count=0 status
  shift 2
  for call in "$@"; do
    for ((n = 1; n < 200; ++n)); do
      rm -f out.tar.gz out.json
      inject "$call" "$what" "$n"
      status=$?
      grep -qE 'INJECTED|killed by SIGKILL' trace || break
      # Calls before main (the loader's) have messages of their own, and a failed close of an input harms nobody.
      if ((status == 0)); then
        rerun_is_right || wrong+=" $call #$n: wrong bytes"
        continue
      fi
      count=$((count + 1))
      state_is_right || wrong+=" $call #$n: a wrong file"
      if [[ $what == error=* ]] && ! grep -q 'error while loading shared libraries' log; then
        [[ $(wc -l <log) == 1 && $(<log) == error:* ]] || wrong+=" $call #$n: '$(head -c 200 log)'"
        [[ ! -e out.tar.gz && ! -e out.json ]] || wrong+=" $call #$n: an output"
      fi
      rerun_is_right || wrong+=" $call #$n: the rerun is wrong"
    done
  done
  equal "$name" "${wrong:-$((count > 0))}" 1
  echo "$name: $count runs ended early"
}

every "disk full at every call that writes" error=ENOSPC openat write rename fchmod
every "read error at every read" error=EIO pread64
every "killed at every call" signal=SIGKILL openat pread64 write fchmod close rename unlink

# A disk that is really full.
if ! unshare --user --map-root-user --mount true 2>/dev/null; then
  skip "a full disk" "user namespaces are not allowed here"
else
  mkdir full
  sed 's#"out\.#"full/out.#g' request >request_full
  got=$(unshare --user --map-root-user --mount sh -c "mount -t tmpfs -o size=2m tmpfs full && '$plugin' @request_full 2>&1; echo \$? \$(ls -A full)")
  equal "a full disk" "$got" "error: cannot write: full/out.tar.gz: No space left on device
1"
fi

exit "$FAILED"
