#!/usr/bin/env bash
# Source archives in an outside workspace: built by an explicit rule, without network, to the same bytes.
# Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/e2e/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.bash"

bases=(first)
copy_workspace
python3 sdists.py "$workspace_dir" || exit 1

# path BASE TARGET: where the last file of a target is that is built.
path() {
  local file
  run "$1" build "$2" && run "$1" cquery --output=files "$2" || return
  file=$(tail -n 1 "$scratch/out")
  run "$1" info execution_root
  echo "$(tail -n 1 "$scratch/out")/$file"
}

wheel=$(path first @wheels//tiny)
check "the hub has the wheel that is built" "${wheel##*/}" "tiny-1.0-py3-none-any.whl"
check "it can be imported" "$(python3 -I -c 'import sys; sys.path.insert(0, sys.argv[1]); import tiny; print(tiny.ANSWER)' "$(path first //:tree)")" 42
check "with what needs it" "$(basename -- "$(path first @wheels//tiny:deps)")" "tiny-1.0-py3-none-any.whl"
check "pinned is what the lock has, nothing" "$(path first @wheels//tiny:pinned)" ""
check_message "it says so" "got tiny 1.0: the source archive 'tiny-1.0.tar.gz' only, expected a wheel"

curious=$(path first //:curious)
text=$(python3 -c 'import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read("curious.txt").decode())' "$curious")
check "a build sees what it is told, and no more" "$(grep -v interfaces <<<"$text" | paste -sd' ')" \
  "flit_core absent epoch 315532800 extra yes answer 42"
if unshare --user --net true 2>/dev/null; then
  check "no network" "$(grep interfaces <<<"$text")" "interfaces lo"
else
  skip "no network" "no sandbox on this machine"
fi

# The zip file that the backend writes has the time in it, in steps of two seconds.
sleep 2.1
again=$(path first //:again)
check "the same bytes at another time" "$(cmp "$curious" "$again" && echo same)" same

run first build //:other_name
check "another name" $? 1
check_message "it says which" "error: sdist_wheel: tiny-1.0.tar.gz: got the wheel 'tiny-1.0-py3-none-any.whl', expected 'tiny-1.1-py3-none-any.whl'"
run first build //:no_backend
check "no backend" $? 1
check_message "it says what it is" "error: sdist_wheel: tiny-1.0.tar.gz: got No module named 'flit_core', expected the backend flit_core.buildapi"
check_message "and what is wanted" "hint: name trees in build_requires; pyproject.toml wants flit_core >=3.2,<4"
run first build //:broken
check "a backend that fails" $? 1
check_message "its words" "backend: RuntimeError: no compiler for this"
check_message "are followed by ours" "error: sdist_wheel: broken-1.0.tar.gz: got exit code 1 from backend, expected a wheel"

exit "$failed"
