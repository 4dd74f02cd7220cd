#!/usr/bin/env bash
# `inferctl variants` as users have it, against a server on loopback that does everything that servers do: generations,
# fallback for what is absent and refusal of what is wrong, no network when the store has it, a kill or a refused system call
# at every step, and several installations at once. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

build_or_die //plugins/inferctl
inferctl=$(files_of //plugins/inferctl)
fixture=$REPO/tests/acceptance/variants_fixture.py
cd "$SCRATCH" || exit 1
export HOME=$SCRATCH/home XDG_DATA_HOME='' XDG_CACHE_HOME='' RULES_INFERENCE_PREFIX='' RULES_INFERENCE_STORE=''
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NETRC
mkdir home

python3 "$fixture" make . || exit 1
python3 "$fixture" serve . &
CLEANUP=("kill $! 2>/dev/null")
for _ in {1..100}; do [[ -s port ]] && break || sleep 0.1; done
server=http://127.0.0.1:$(cat port) || exit 1
python3 "$fixture" lock . "${server##*:}" || exit 1

# install FOLDER LOCK HOST ARGUMENT...: prefix and store are in FOLDER; sets `out` (both streams) and `status`.
install() {
  local folder=$1 lock=$2 host=$3
  shift 3
  out=$("$inferctl" variants install "locks/$lock.json" --host "hosts/$host.json" --prefix "$folder/prefix" --store "$folder/store" "$@" 2>&1)
  status=$?
}

# variants FOLDER COMMAND ARGUMENT...: the other commands.
variants() {
  local folder=$1 command=$2
  shift 2
  out=$("$inferctl" variants "$command" --prefix "$folder/prefix" "$@" 2>&1)
  status=$?
}

program() { "$1/prefix/demo/current/bin/demo" 2>&1; }

# generations FOLDER: "1 1.0 cpu *2 2.0 cpu".
generations() {
  "$inferctl" variants list --prefix "$1/prefix" 2>/dev/null | awk 'NR > 1 { m = $1 == "*"; print (m ? "*" : "") $(m + 1), $(m + 2), $(m + 3) }' | paste -sd' '
}

# tree FOLDER...: every entry with its content.
tree() {
  find "$@" -printf '%p %y %m %l\n' 2>/dev/null | LC_ALL=C sort
  find "$@" -type f -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 -r sha256sum
}

# debris FOLDER: what no finished run leaves. A lock file of the store may stay: nothing hangs on it.
debris() { find "$1" \( -name '*.partial' -o -name '.unfinished*' -o -name '*.bad' \) -printf '%P ' 2>/dev/null; }

# --- generations ---------------------------------------------------------------------------------------------------------

install a v1 none
equal "install" "$status $out" "0 demo 1.0: cpu is active, generation 1
a/prefix/demo/current"
equal "it runs" "$(program a)" "cpu-1"
equal "through links alone" "$(readlink a/prefix/demo/current)" "generations/1"
install a v1 none
equal "again changes nothing" "$status $out" "0 demo 1.0: cpu is active already, generation 1
a/prefix/demo/current"
install a v2 none
equal "an upgrade is a new generation" "$status $(generations a) $(program a)" "0 1 1.0 cpu *2 2.0 cpu cpu-2"
install a named none
equal "another variant too" "$status $(generations a) $(program a)" "0 1 1.0 cpu 2 2.0 cpu *3 1.0 plain cpu-3"
variants a list demo
equal "list marks the active one" "$(grep -c '^\*   3  1.0 *plain' <<<"$out") $(wc -l <<<"$out")" "1 4"
variants a list --format json
equal "list as JSON" "$(python3 -c 'import json, sys
print([(g["generation"], g["active"], g["build"]["version"]) for g in json.load(sys.stdin)["generations"]])' <<<"$out")" \
  "[(1, False, '1.0'), (2, False, '2.0'), (3, True, '1.0')]"
variants a switch demo 1 --host hosts/none.json
equal "switch by number" "$status $(program a)" "0 cpu-1"
variants a switch demo plain --host hosts/none.json
equal "switch by variant" "$status $(program a)" "0 cpu-3"
variants a switch demo 2.0 --host hosts/none.json
equal "switch by version" "$status $(program a)" "0 cpu-2"
variants a switch demo 9 --host hosts/none.json
equal "switch to what is not there" "$status $out $(program a)" \
  "1 error: switch: demo: got '9', expected one of 1 (1.0 cpu), 2 (2.0 cpu), 3 (1.0 plain) cpu-2"
variants a rollback demo
equal "rollback" "$status $(program a)" "0 cpu-1"
variants a rollback demo
equal "rollback of the first" "$status $out" "1 error: rollback: demo: got generation 1, the oldest, expected an older one to go back to"
variants a remove demo 1
equal "the active one stays" "$status $(head -n 1 <<<"$out") $(generations a)" \
  "1 error: remove: a/prefix/demo: got generation 1, expected one that is not active *1 1.0 cpu 2 2.0 cpu 3 1.0 plain"
variants a remove demo 2
equal "remove by number" "$status $(generations a) $(find a/prefix/demo/builds -mindepth 1 -maxdepth 1 | wc -l)" "0 *1 1.0 cpu 3 1.0 plain 2"
variants a remove demo --old
equal "remove old ones" "$status $(generations a) $(program a)" "0 *1 1.0 cpu cpu-1"
variants a remove demo --all
equal "remove all" "$status $(ls -A a/prefix)" "0 "

install a v1 none
install b v2 none
equal "two prefixes" "$(program a) $(program b)" "cpu-1 cpu-2"
variants b remove demo --all
equal "one goes, the other stays" "$(program a) $(ls -A b/prefix)" "cpu-1 "

# --- what the machine decides, for each edge of the chain ------------------------------------------------------------------

while read -r host expected; do
  # Descriptors only: nothing is fetched.
  install none chain "$host" --dry-run
  equal "$host gets $expected" "$status $(sed -n 's/^chosen *//p' <<<"$out")" "0 $expected"
done <<'EOF'
none cpu
v70 cpu
v75 cuda-sm75
v80 cuda-sm75
v86 cuda-sm86
v89 cuda-sm86
v90 cuda-cudnn-sm90
v100 cuda-sm75
v86_v90 cuda-sm75
v80_v86 cuda-sm75
old_driver cpu
driver_12_4 cuda-cudnn-sm90
driver_12_4_v80 cpu
EOF
equal "a dry run makes no folder" "$(ls -A none 2>/dev/null)" ""
install none chain aarch64 --dry-run
equal "another platform gets nothing" "$status" 3
# refused HOST VARIANT: a hard requirement of what the machine cannot run.
while read -r host variant why; do
  install none chain "$host" -r "require:$variant"
  equal "$variant never on $host" "$status $(ls -A none/prefix 2>/dev/null) ${out%%, expected*}" \
    "1  error: variant: demo for linux-x86_64: got none of $variant ($why)"
done <<'EOF'
v80 cuda-sm86 has sm_86, nothing that runs on 8.0
v90 cuda-sm86 has sm_86, nothing that runs on 9.0
v100 cuda-sm90 has sm_90, nothing that runs on 10.0
v89 cuda-cudnn-sm90 has sm_90, nothing that runs on 8.9
v70 cuda-sm75 has sm_75, compute_75, nothing that runs on 7.0
none cuda-sm75 the host has no CUDA device
EOF

# Edges on the server: the first N are absent, so the next that runs is taken, with a note for each.
rows=(cuda-cudnn-sm90 cuda-sm90 cuda-sm75 cpu)
# Among the five rows of the lock the third, cuda-sm86, never runs on this machine.
for count in 1 2 3 4; do
  gone=$((count > 2 ? count - 1 : count))
  install "absent_$count" "absent_$count" v90
  notes=
  for ((i = 0; i < gone; ++i)); do
    notes+="note: ${rows[i]}: absent: $server/404/${rows[i]}: got 404, expected 200; trying the next one"$'\n'
  done
  equal "absent up to ${rows[gone - 1]}, row $count" "$status $out $(program "absent_$count")" \
    "0 ${notes}demo 1.0: ${rows[gone]} is active, generation 1
absent_$count/prefix/demo/current ${rows[gone]}"
done
for count in 1 2 4 5; do
  wrong=${rows[count > 2 ? count - 2 : count - 1]}
  install "wrong_$count" "wrong_$count" v90
  equal "wrong bytes of $wrong end it" "$status $(grep -c "^error: $wrong: hash mismatch: $server/other/$wrong: got sha256:" <<<"$out") $(ls -A "wrong_$count/prefix")" "1 1 "
done
install all all_absent v90
equal "all absent: the error names each one" "$status ${out##*$'\n'} $(ls -A all/prefix)" \
  "1 error: variant: demo for linux-x86_64: got none of cuda-cudnn-sm90 (no server has it any more), cuda-sm90 (no server has it any more), cuda-sm86 (has sm_86, nothing that runs on 9.0), cuda-sm75 (no server has it any more), cpu (no server has it any more), and no other one runs there either "

# --- what servers do, over an installation that is there ---------------------------------------------------------------------

for how in 404 410; do
  install "$how" v1 none
  install "$how" "bad_$how" v86
  equal "$how falls to the next one" "$status $out $(program "$how")" \
    "0 note: cuda-sm86: absent: $server/$how/cuda-sm86: got $how, expected 200; trying the next one
demo 2.0: cpu is active, generation 2
$how/prefix/demo/current cpu-2"
done

hex='[0-9a-f]{64}'
size=$(stat -c %s files/cuda-sm86)
# Those that may pass by themselves are tried again, with waits: all at once.
bad() {
  local how=$1 lock=$2 pattern=$3 before after status
  install "$how" v1 none
  before=$(tree "$how/prefix")
  install "$how" "$lock" v86
  after=$(tree "$how/prefix")
  equal "$how: its own line" "$status $(wc -l <<<"$out") $(grep -cE "^error: $pattern\$" <<<"$out")" "1 1 1"
  [[ $out =~ ^error ]] || echo "$out"
  equal "$how: nothing has changed" "$(program "$how") $(debris "$how")$(diff <(echo "$before") <(echo "$after") | head -n 3)" "cpu-1 "
}
while IFS='|' read -r how lock pattern; do
  bad "$how" "$lock" "$pattern" >"result.$how" 2>&1 &
  jobs+=("$!")
done <<EOF
500|bad_500|cuda-sm86: server error: $server/500/cuda-sm86: got 500, expected 200
truncated|bad_truncated|cuda-sm86: truncated: $server/truncated/cuda-sm86: got 50 bytes, expected $size
html|bad_html|cuda-sm86: size mismatch: $server/html/cuda-sm86: got 55 bytes, expected $size
redirect|bad_redirect|cuda-sm86: redirect refused: $server/redirect/cuda-sm86: got file://.*, expected http or https
reset|bad_reset|cuda-sm86: connection lost: $server/reset/cuda-sm86: got 0 bytes, expected $size
other|bad_other|cuda-sm86: hash mismatch: $server/other/cuda-sm86: got sha256:$hex, expected sha256:$hex
digest|bad_digest|cuda-sm86: hash mismatch: $server/ok/cuda-sm86: got sha256:$hex, expected sha256:$hex
dotdot|hostile_dotdot|dotdot: archive: .*: entry '../escaped': got a name that is not safe, expected a relative path without '..'
absolute|hostile_absolute|absolute: archive: .*: entry '/etc/escaped': got a name that is not safe, expected a relative path without '..'
link|hostile_link|link: archive: .*: entry 'demo-link/lib/out': got a symlink to '../../../outside', expected a relative target inside .*
EOF
# show NAME...: the results of background checks.
show() {
  local name
  for name in "$@"; do
    cat "result.$name"
    ! grep -q '^FAIL' "result.$name" || FAILED=1
  done
}
wait "${jobs[@]}"
show 500 truncated html redirect reset other digest dotdot absolute link
equal "nothing has escaped" "$(find . -name escaped -o -name outside)$(ls /etc/escaped 2>/dev/null)" ""

# --- no network --------------------------------------------------------------------------------------------------------------

mkdir dry
install dry v1 none
find dry -printf '%p %y %m %l %T@\n' | sort >dry.before
if needs "a dry run opens no socket" strace; then
  strace -f -qq -o trace -e trace=network "$inferctl" variants install locks/v2.json --host hosts/none.json --prefix dry/prefix --store dry/store \
    --dry-run >log 2>&1
  equal "a dry run opens no socket" "$? $(grep -c 'socket(' trace) $(tail -n 1 log)" "0 0 would be at  dry/prefix/demo/current"
  equal "a dry run changes nothing" "$(find dry -printf '%p %y %m %l %T@\n' | sort | diff dry.before -)" ""
  strace -f -qq -o trace -e trace=network "$inferctl" variants install locks/v1.json --host hosts/none.json --prefix dry/second --store dry/store >log 2>&1
  equal "a warm store opens no socket" "$? $(grep -c 'socket(' trace) $(dry/second/demo/current/bin/demo)" "0 0 cpu-1"
  : >requests.log
  strace -f -qq -o trace -e trace=network "$inferctl" variants install locks/v2.json --host hosts/none.json --prefix dry/third --store dry/store >log 2>&1
  equal "a socket would be noticed" "$(grep -c 'socket(' trace)" 1
fi

# --- a kill or a refusal at every system call ----------------------------------------------------------------------------------

# run_of KIND: the arguments of the run that is disturbed, in its folder below $fast.
run_of() {
  case $1 in
  install) echo "install ../locks/v2.json --host ../hosts/none.json --prefix prefix --store store" ;;
  switch) echo "switch demo 1 --host ../hosts/none.json --prefix prefix" ;;
  rollback) echo "rollback demo --prefix prefix" ;;
  esac
}

# sweep KIND WHAT SYSCALL: every one of these calls once; leaves its lines in result.KIND.SYSCALL.
sweep() {
  local kind=$1 what=$2 call=$3 n w=$fast/$1.${2#*=}.$3 wrong='' ended=0 survived=0 status now next
  local -a run
  read -ra run <<<"$(run_of "$kind")"
  for ((n = 1; n < 400; ++n)); do
    rm -rf "$w"
    cp -a "base.$kind" "$w"
    # The outer redirection is for the shell, which would say "Killed".
    { (cd "$w" && exec strace -f -qq -o trace -e trace="$call" -e inject="$call:$what:when=$n" "$inferctl" variants "${run[@]}" >log 2>&1); } 2>/dev/null
    status=$?
    grep -qE 'INJECTED|killed by SIGKILL' "$w/trace" || break
    now=$(program "$w")
    case $kind:$now in
    install:cpu-[12] | switch:cpu-[12] | rollback:cpu-[23]) ;;
    *) wrong+=" $call #$n: runs '$now'" ;;
    esac
    if ((status == 0)); then
      survived=$((survived + 1))
      case $kind:$now in install:cpu-2 | switch:cpu-1 | rollback:cpu-2) ;; *) wrong+=" $call #$n: success, and '$now'" ;; esac
    else
      ended=$((ended + 1))
      if [[ $what == error=* ]] && ! grep -q 'error while loading shared libraries' "$w/log"; then
        # When standard error itself is refused, nobody can say anything.
        [[ $(grep -vcE '^(note|warning|hint): ' "$w/log") == 1 && $(grep -c '^error: ' "$w/log") == 1 ]] ||
          [[ $call == write && ! -s $w/log ]] || wrong+=" $call #$n: '$(head -c 300 "$w/log")'"
      fi
    fi
    (cd "$w" && "$inferctl" variants "${run[@]}" >log 2>&1) || wrong+=" $call #$n: the next run fails: $(tail -n 1 "$w/log")"
    next=$(program "$w")
    case $kind:$now:$next in
    install:*:cpu-2 | switch:*:cpu-1 | rollback:cpu-3:cpu-2 | rollback:cpu-2:cpu-1) ;;
    *) wrong+=" $call #$n: after '$now' the next run gives '$next'" ;;
    esac
    [[ -z $(debris "$w") ]] || wrong+=" $call #$n: debris $(debris "$w")"
    if [[ $kind == install && $(find "$w/prefix/demo/builds" -mindepth 1 -maxdepth 1 | wc -l) != 2 ]]; then wrong+=" $call #$n: builds"; fi
    # Whatever happened, the way back leads to what was there before.
    if [[ $kind == install ]]; then
      (cd "$w" && "$inferctl" variants rollback demo --prefix prefix >log 2>&1)
      [[ $(program "$w") == cpu-1 ]] || wrong+=" $call #$n: rollback gives $(program "$w")"
    fi
  done
  echo "$ended $survived$wrong"
}

# every NAME KIND WHAT SYSCALL...: a sweep of each call, several at a time.
every() {
  local name=$1 kind=$2 what=$3 call ended=0 survived=0 wrong='' e s rest
  shift 3
  for call in "$@"; do
    while (($(jobs -rp | wc -l) > $(nproc))); do wait -n; done
    sweep "$kind" "$what" "$call" >"sweep.$kind.${what#*=}.$call" &
    sweeps+=("$!")
  done
  wait "${sweeps[@]}"
  for call in "$@"; do
    read -r e s rest <"sweep.$kind.${what#*=}.$call"
    ended=$((ended + e)) survived=$((survived + s)) wrong+=${rest:+ $rest}
  done
  if [[ -z $wrong ]] && ((ended > 0)); then
    pass "$name ($ended runs ended early, $survived went on)"
  else
    fail "$name" "${wrong:-nothing was disturbed}"
  fi
}

if needs "killed and refused" strace; then
  # Where syncing costs nothing, if there is such a place: some thousand files are written.
  fast=$(mktemp -d /dev/shm/install.XXXXXX 2>/dev/null) || fast=$(mktemp -d "$SCRATCH/fast.XXXXXX")
  CLEANUP+=("rm -rf '$fast'")
  cp -r locks hosts "$fast"
  install base.install v1 none
  cp -a base.install base.switch
  install base.switch v2 none
  cp -a base.switch base.rollback
  install base.rollback v3 none
  reads=(openat read pread64 getdents64)
  changes=(write mkdir chmod fchmod rename symlink unlink fsync)
  every "install, killed at every call" install signal=SIGKILL "${reads[@]}" "${changes[@]}" close flock
  every "switch, killed at every call" switch signal=SIGKILL openat "${changes[@]}"
  every "rollback, killed at every call" rollback signal=SIGKILL openat "${changes[@]}"
  every "install, disk full" install error=ENOSPC openat "${changes[@]}"
  every "install, input and output errors" install error=EIO "${reads[@]}" "${changes[@]}"
  every "switch, disk full" switch error=ENOSPC openat "${changes[@]}"
  every "rollback, input and output errors" rollback error=EIO "${reads[@]}" "${changes[@]}"
fi

# --- several at once -------------------------------------------------------------------------------------------------------------

# race NAME LOCK LOCK COMMAND...: two installations under the command, ten times.
race() {
  local name=$1 one=$2 two=$3 round wrong='' first second refused=0
  shift 3
  for round in {1..10}; do
    rm -rf race
    mkdir race
    "$@" "$inferctl" variants install "locks/$one.json" --host hosts/none.json --prefix race/prefix --store race/store >race/log1 2>&1 &
    first=$!
    "$@" "$inferctl" variants install "locks/$two.json" --host hosts/none.json --prefix race/prefix --store race/store >race/log2 2>&1 &
    second=$!
    for pid in "$first" "$second"; do
      wait "$pid" && continue
      refused=$((refused + 1))
      log=race/log$((pid == second ? 2 : 1))
      [[ $(grep -c '^error: ' "$log") == 1 ]] || wrong+=" round $round: $(head -c 300 "$log")"
    done
    [[ $(program race) == "cpu-${one#v}" || $(program race) == "cpu-${two#v}" ]] || wrong+=" round $round: runs '$(program race)'"
    # One is active, and the next run is in nobody's way.
    [[ $(generations race) == *\** ]] || wrong+=" round $round: generations '$(generations race)'"
    install race v3 none
    [[ $status == 0 && $(program race) == cpu-3 && -z $(debris race) ]] || wrong+=" round $round: then '$out' '$(debris race)'"
  done
  equal "$name: 20 runs, all succeed" "$refused${wrong}" 0
}

race "two versions at once" v1 v2
race "one version twice at once" v1 v1
if needs "without locks" strace; then
  without=(strace -f -qq -o /dev/null -e trace=flock -e inject=flock:error=ENOLCK)
  race "two versions at once without locks" v1 v2 "${without[@]}"
  race "one version twice at once without locks" v1 v1 "${without[@]}"
  # What fails without a lock takes nothing of another one along.
  mkdir -p mine/prefix/demo/builds/.unfinished-of-another
  out=$("${without[@]}" "$inferctl" variants install locks/all_absent.json --host hosts/none.json --prefix mine/prefix --store mine/store 2>&1)
  equal "a failure without locks leaves others alone" "$? $(ls -A mine/prefix/demo/builds)" "1 .unfinished-of-another"
fi

exit "$FAILED"
