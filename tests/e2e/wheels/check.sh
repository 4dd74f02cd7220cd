#!/usr/bin/env bash
# Wheels in an outside workspace: what is fetched and what is not, how often pip is asked, and what users read when it fails.
# Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/e2e/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.bash"

bases=(first second)
copy_workspace

# Every run has a Python that counts, and a repository cache that starts empty.
run() {
  local base=$1 command=$2
  shift 2
  bazel_in "$base" "$command" --repository_cache="$scratch/repository_cache" --repo_env=RULES_INFERENCE_PYTHON="$PWD/python.sh" \
    --repo_env=E2E_PIP_LOG="$scratch/pip.log" "$@"
}

pip_calls() { if [[ -e $scratch/pip.log ]]; then wc -l <"$scratch/pip.log"; else echo 0; fi; }

# Wheel repositories that BASE has fetched, and the wheels in them.
fetched() { find "$scratch/$1/external" -maxdepth 1 -type d -name '*wheels_*_cp3*' | sed 's/.*[~+]//; s#.*/##' | sorted; }
wheel_names() { find "$scratch/$1/external" -maxdepth 2 -name '*.whl' | sed 's#.*/##' | sorted; }
sorted() { LC_ALL=C sort | paste -sd' '; }

run first build //:one
check "one wheel builds" $? 0
check "one wheel is fetched" "$(fetched first)" "wheels_markupsafe_cp311_linux_x86_64"
check "pip is asked once" "$(pip_calls)" 1
check "the wheel keeps its name" "$(wheel_names first)" \
  "markupsafe-3.0.4-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl"

run first build //:named //:listed //:all
check "all ways to name a wheel" $? 0
check "other platforms and pythons are not fetched" "$(fetched first)" \
  "wheels_idna_cp311_linux_x86_64 wheels_importlib_metadata_cp311_linux_x86_64 wheels_lazy_importer_cp311_linux_x86_64 wheels_markupsafe_cp311_linux_x86_64 wheels_zipp_cp311_linux_x86_64"
check "pip is asked once per wheel" "$(pip_calls)" 5

run first build //:trees //:small_idna
check "trees build" $? 0
site=$(find "$scratch/first/execroot" -path '*/bin/small_idna/lib/python3.11/site-packages')
check "a tree can be imported, and is a prefix when it is asked for" \
  "$(python3 -I -c 'import sys; sys.path.insert(0, sys.argv[1]); import idna; print(idna.__file__)' "$site")" "$site/idna/__init__.py"

# The extension module is for CPython 3.11, and the tests run the python3 of the machine.
if python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
  run first test //:trees_test //:env_test
  check "tests of rules_python import them" $? 0
else
  skip "tests of rules_python import them" "python3 is not 3.11"
fi

run first build //:layers //:tiers //:tiers_batch //:tiers_web
check "layers build" $? 0
out=$(dirname -- "$(find "$scratch/first/execroot" -path '*/bin/tiers.txt')")
check "a layer for all images, and one for the rest" "$(cd "$out" && echo layers/*.gz)" "layers/light.tar.gz"
check "what both images use is one layer" "$(cd "$out" && echo tiers/*.gz)" "tiers/light-batch+web.tar.gz tiers/light-web.tar.gz"
check "the plan knows the sizes of pinned files" "$(grep -c "^ *[1-9][0-9]* KiB  idna-" "$out/tiers.txt")" 2

run second build --repo_env=E2E_NO_PIP=1 //:all
check "a second output base needs no pip" "$? $(pip_calls)" "0 5"
check "names from the cache" "$(wheel_names second)" "$(wheel_names first)"

run first build --@rules_inference//rules/private/wheels:python_version=3.12 //:all
check "another python" "$? $(fetched first | tr ' ' '\n' | grep -c cp312_linux_x86_64)" "0 2"

run first build --platforms=//:linux_aarch64 //:one
check "another platform" "$? $(fetched first | tr ' ' '\n' | grep aarch64)" "0 wheels_markupsafe_cp311_linux_aarch64"

run first build --platforms=//:windows //:one
check "a platform that is not locked fails" $? 1
check_message "a platform that is not locked is explained" \
  "error: wheels: @wheels//markupsafe: got a python or platform without a pinned wheel, expected one of cp311_linux_aarch64, cp311_linux_x86_64, cp312_linux_aarch64, cp312_linux_x86_64"

run first build @wrong_hash//idna
check "wrong bytes fail" $? 1
check_message "wrong bytes are explained" "error: wheel: idna==3.20 (python 3.11, linux_x86_64): got exit code 1 from pip, expected a wheel with a sha256 that is pinned in "
check_message "wrong bytes have a hint" "hint: the index has other bytes than the lock: lock anew, and find out why they changed"

run first build @no_wheel//docopt
check "a source-only release fails" $? 1
check_message "a source-only release has a hint" "hint: the index of your pip has no such wheel; where a package is sdist-only for this python and platform, pin a version with a wheel, or leave python or platform out of wheels.lock"

run first build --repo_env=RULES_INFERENCE_PYTHON=/nonexistent/python3 @wrong_hash//idna
check "a missing Python fails" $? 1
check_message "a missing Python is explained" "got no interpreter '/nonexistent/python3', expected a Python 3 with pip"

exit "$failed"
