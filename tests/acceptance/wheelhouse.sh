#!/usr/bin/env bash
# A wheelhouse is all that a hub and a lock need: `inferctl wheels lock`, `export` and `facts`, then the same without any index.
# The index is a folder of small wheels, which goes away after the export. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

if ! python3 -m pip --version >/dev/null 2>&1; then
  skip "wheelhouse" "python3 has no pip"
  exit 0
fi
build_or_die //plugins/inferctl
inferctl=$(files_of //plugins/inferctl)
python3 "$REPO/tests/e2e/locks/wheels.py" make "$SCRATCH" || exit 1
cd "$SCRATCH" || exit 1
mv files index

# No index, no proxy that answers, and nothing of what pip and uv have kept.
for name in $(env | sed -nE 's/^((PIP|UV)_[A-Z_]*)=.*/\1/p'); do unset "$name"; done
export PIP_NO_INDEX=1 PIP_NO_CACHE_DIR=1 PIP_CONFIG_FILE=/dev/null UV_NO_CACHE=1 UV_CONFIG_FILE=$SCRATCH/uv.toml
export http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 all_proxy=http://127.0.0.1:9
# from FOLDER: where wheels come from.
from() {
  export PIP_FIND_LINKS=$PWD/$1
  printf 'no-index = true\nfind-links = ["%s"]\n' "$PWD/$1" >uv.toml
}

# what COMMAND...: its output and exit code in one line, without paths and times.
what() {
  { "$@" 2>&1; echo "exit code $?"; } | sed -E "s#$SCRATCH#SCRATCH#g; s/ after [0-9]+ questions and [0-9]+ s/ after N questions and N s/" | paste -sd'|'
}
lock() { "$inferctl" wheels lock requirements.in --python 3.11,3.12 "$@"; }

from index
printf '%s\n' 'alpha' 'beta>=2' 'zeta ; python_version < "3.12"' >requirements.in
equal "lock" "$(what lock -o lock.txt --installer pip)" \
  "note: resolving for 3.11 on linux-x86_64 by pip|note: resolving for 3.12 on linux-x86_64 by pip|+ alpha 1.0|+ beta 2.0|+ zeta 1.0 ; python_version == '3.11'|exit code 0"
equal "one digest for each wheel that is used" "$(grep -c sha256 lock.txt)" 4
equal "lock again" "$(what lock -o lock.txt --installer pip | sed 's/.*by pip|//')" "lock.txt: no pin has changed|exit code 0"

equal "export" "$(what "$inferctl" wheels export lock.txt -o house --python 3.11,3.12 | sed 's/.*by pip|//; s/[0-9.]* [kMG]\?B/SIZE/')" \
  "house: 4 wheels, SIZE|pip takes them alone with PIP_NO_INDEX=1 PIP_FIND_LINKS=house|exit code 0"
mv index gone
from house
(cd house && sha256sum --quiet -c SHA256SUMS) && pass "sums" || fail "sums" "SHA256SUMS is wrong"

# --- the lock, from the wheelhouse alone ---------------------------------------------------------------------------------

equal "the lock from the wheelhouse, by pip" "$(what lock -o again.txt --installer pip | sed 's/.*by pip|//')" \
  "+ alpha 1.0|+ beta 2.0|+ zeta 1.0 ; python_version == '3.11'|exit code 0"
same "it is the same lock" again.txt lock.txt
if command -v uv >/dev/null; then
  equal "the lock from the wheelhouse, by uv" "$(what lock -o uv.txt --installer uv | sed 's/.*by uv|//')" \
    "+ alpha 1.0|+ beta 2.0|+ zeta 1.0 ; python_version == '3.11'|exit code 0"
  same "it has the same pins" <(grep -v sha256 uv.txt | tail -n +2) <(grep -v sha256 lock.txt | tail -n +2)
else
  skip "the lock from the wheelhouse, by uv" "tool uv is not installed"
fi

# --- what wheels are -----------------------------------------------------------------------------------------------------

"$inferctl" wheels facts house -o facts.json
equal "coverage tells the files" \
  "$("$inferctl" wheels coverage requirements.in --lock lock.txt --facts facts.json --python 3.12 --format json | grep -o '"file": "[^"]*"' | paste -sd' ')" \
  '"file": "alpha-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl" "file": "beta-2.0-py3-none-any.whl"'

# --- the hub, from the wheelhouse alone ----------------------------------------------------------------------------------

mkdir hub
cp lock.txt hub/requirements.lock.txt
touch hub/BUILD.bazel
cat >hub/MODULE.bazel <<MODULE
module(name = "wheelhouse")

bazel_dep(name = "rules_inference", version = "0.1.0")
local_path_override(
    module_name = "rules_inference",
    path = "$REPO",
)

wheels = use_extension("@rules_inference//rules:extensions.bzl", "wheels")
wheels.lock(
    name = "wheels",
    file = "//:requirements.lock.txt",
    platforms = ["linux_x86_64"],
    pythons = ["3.11", "3.12"],
)
use_repo(wheels, "wheels")
MODULE
if [[ ${BAZEL[0]} == ./* ]]; then BAZEL[0]=$REPO/${BAZEL[0]}; fi
# hub COMMAND ARGUMENT...: Bazel has no wheel of another run, and pip has the wheelhouse only.
hub() {
  local command=$1
  shift
  (cd hub && env -u http_proxy -u https_proxy -u all_proxy "${BAZEL[@]}" --output_base="$SCRATCH/base" --max_idle_secs=60 "$command" \
    --lockfile_mode=off --curses=no --noshow_progress --experimental_convenience_symlinks=ignore --repository_cache="$SCRATCH/cache" \
    --repo_env=PIP_NO_INDEX=1 --repo_env=PIP_FIND_LINKS="$SCRATCH/house" "$@") 2>"$SCRATCH/hub.log"
}
CLEANUP+=("(cd '$SCRATCH/hub' && ${BAZEL[*]} --output_base='$SCRATCH/base' shutdown >/dev/null 2>&1); chmod -R u+w '$SCRATCH/base'")
python=--@rules_inference//rules/private/wheels:python_version=3.12
if hub build "$python" @wheels//:all_wheels; then pass "the hub builds"; else fail "the hub builds" "$(tail -n 5 "$SCRATCH/hub.log" | paste -sd' ')"; fi
equal "with the wheels of the wheelhouse" "$(hub cquery "$python" --output=files @wheels//:all_wheels | sed 's#.*/##' | LC_ALL=C sort | paste -sd' ')" \
  "alpha-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl beta-2.0-py3-none-any.whl"

# --- what cannot be had --------------------------------------------------------------------------------------------------

printf '%s\n' 'alpha' 'omega' 'beta==7' 'gamma' 'repo @ git+https://example.invalid/repo.git' >requirements.in
equal "what cannot be had ends it" "$(what lock -o new.txt --installer pip | grep -c 'expected 0|exit code 1$')" 1
equal "nothing is written" "$(find . -maxdepth 1 -name 'new.txt*')" ""
equal "it can be left out" "$(what lock -o new.txt --installer pip --skip-unavailable | tr '|' '\n' | tail -n 3 | paste -sd'|')" \
  "note: 3 of 4 left out, after N questions and N s|+ alpha 1.0|exit code 0"
equal "the lock says so" "$(sed -nE 's/^# Not locked for 3.12 on linux-x86_64: ([^(]*) \(.*/\1/p' new.txt | paste -sd',')" \
  "beta: no wheel for it,gamma: no wheel for it,omega: no wheel for it,repo: not of an index"
equal "nothing is left behind" "$(find . -maxdepth 1 -name 'new.txt*')" "./new.txt"
"$inferctl" wheels coverage requirements.in --lock new.txt --python 3.12 >report.txt
equal "coverage has a gap" $? 3
equal "it says which" "$(grep -cE '^(beta|gamma|omega) +no wheel here' report.txt)" 3

exit "$FAILED"
