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
export PIP_NO_INDEX=1 PIP_NO_CACHE_DIR=1 PIP_CONFIG_FILE=/dev/null UV_NO_INDEX=1 UV_NO_CACHE=1 UV_NO_CONFIG=1
export http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 all_proxy=http://127.0.0.1:9
# from FOLDER: where wheels come from.
from() { export PIP_FIND_LINKS=$PWD/$1 UV_FIND_LINKS=$PWD/$1; }

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
cp house/beta-2.0-py3-none-any.whl house/more-2.0-py3-none-any.whl
rm house/more-2.0-py3-none-any.whl

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

# --- what cannot be had --------------------------------------------------------------------------------------------------

printf '%s\n' 'alpha' 'omega' 'beta==7' 'gamma' 'repo @ git+https://example.invalid/repo.git' >requirements.in
equal "what cannot be had ends it" "$(what lock -o new.txt --installer pip | grep -c 'No matching distribution found for .*exit code 1$')" 1
equal "nothing is written" "$(ls new.txt* 2>/dev/null)" ""
equal "it can be left out" "$(what lock -o new.txt --installer pip --skip-unavailable | sed 's/.*by pip|//' | tr '|' '\n' | sort | paste -sd'|')" \
  "+ alpha 1.0|exit code 3"
sed -n '/^# Not locked for 3.12/p' new.txt

exit "$FAILED"
