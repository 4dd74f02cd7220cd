#!/usr/bin/env bash
# The most used projects of the index (most_used.txt), newest wheel of each for the Python that runs here: the strict reader takes
# it, and its tree is pip's. Downloads about 500 MB through the user's own pip, so it is run by hand. Environment: see lib.bash.
#
#   WHEELHOUSE  directory that keeps the wheels   (default: a new one, removed at the end)
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../acceptance/lib.bash"

house=${WHEELHOUSE:-$SCRATCH/house}
mkdir -p -- "$house"
while read -r name; do
  if ! compgen -G "$house/${name//-/_}-*.whl" >/dev/null; then
    python3 -m pip download --quiet --no-deps --only-binary=:all: --disable-pip-version-check --dest "$house" "$name" \
      2>"$SCRATCH/pip.log" || skip "$name" "pip has no wheel of it here"
  fi
done <tests/manual/most_used.txt

build_or_die //plugins/wheel
python3 tests/acceptance/wheel_trees.py --plugin "$(files_of //plugins/wheel)" "$house"/*.whl >"$SCRATCH/compared"
sed -E "s#^(PASS|FAIL) #\1 $MODE/most used: #" "$SCRATCH/compared"
if grep -q '^FAIL' "$SCRATCH/compared"; then FAILED=1; fi
passed=$(grep -c '^PASS' "$SCRATCH/compared")
if ((passed >= 100)); then pass "$passed of the most used wheels"; else fail "100 of the most used wheels" "$passed pass"; fi
exit "$FAILED"
