#!/usr/bin/env bash
# `infer serve` against good and bad clients: formats, streams, errors, oversize, slow and broken clients, 200 uploads at once, and
# signals while it works. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

needs "infer serve" python3 || exit 0
build_or_die //plugins/infer/cli:infer
infer=$(files_of //plugins/infer/cli:infer)
"$infer" model make-test "$SCRATCH/ggml-test.bin" --size test --seed "${SEED:-1}" || fail "infer model make-test" "exit code not 0"
while IFS= read -r line; do
  case $line in
    PASS*) pass "${line#PASS }" ;;
    FAIL*) fail "serve" "${line#FAIL serve: }" ;;
    *) printf '%s\n' "$line" ;;
  esac
done < <(python3 tests/acceptance/infer_serve.py "$infer" "$SCRATCH/ggml-test.bin" 2>&1; echo "exit code $?" >"$SCRATCH/end")
equal "infer serve: all scenarios" "$(<"$SCRATCH/end")" "exit code 0"
exit "$FAILED"
