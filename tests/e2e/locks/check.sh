#!/usr/bin/env bash
# uv.lock and pylock.toml in an outside workspace: which wheel is selected, what is fetched, and what users read.
# Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/e2e/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.bash"

bases=(first second)

# files BASE TARGET FLAG...: names of the files of a target that is built.
files() {
  local base=$1 target=$2
  shift 2
  run "$base" build "$@" "$target" || {
    echo "the build failed"
    return
  }
  run "$base" cquery "$@" --output=files "$target"
  sed 's#.*/##' "$scratch/out" | LC_ALL=C sort | paste -sd' '
}

python3 wheels.py make "$scratch" || exit 1
copy_workspace
start_server wheels.py
python3 wheels.py lock "$scratch" "$(cat "$scratch/port")" || exit 1
flags=@rules_inference//rules/private/wheels

# --- which wheel -------------------------------------------------------------------------------------------------------

glibc=alpha-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
check "the best wheel" "$(files first @uv//alpha)" "$glibc"
check "no other wheel is fetched" "$(requests)" "$glibc"
check "another python" "$(files first @uv//alpha --$flags:python_version=3.12)" "${glibc//cp311/cp312}"
check "another libc" "$(files first @uv//alpha --$flags:libc=musl)" "alpha-1.0-cp311-cp311-musllinux_1_2_x86_64.whl"
check "another cpu" "$(files first @uv//alpha --platforms=//:linux_aarch64)" "alpha-1.0-py3-none-any.whl"
check "a fork" "$(files first @uv//beta)" "beta-1.0-py3-none-any.whl"
check "the other fork" "$(files first @uv//beta --$flags:python_version=3.12)" "beta-2.0-py3-none-any.whl"
check "each is fetched once" "$(requests | wc -w)" 5

run first build @uv//alpha:explain
run first cquery --output=files @uv//alpha:explain
path=$(tail -n 1 "$scratch/out")
run first info execution_root
check "the explanation is the golden one" "$(diff "$here/explain.golden" "$(tail -n 1 "$scratch/out")/$path" && echo same)" same
check "the model" "$(files first @uv//:lock.json)" "lock.json"
check "neither is a wheel fetched for" "$(requests)" ""

# --- dependencies ------------------------------------------------------------------------------------------------------

check "a circle" "$(files first @uv//gamma:deps)" "delta-1.0-py3-none-any.whl gamma-1.0-py3-none-any.whl"
check "the same from its other end" "$(files first @uv//delta:deps)" "delta-1.0-py3-none-any.whl gamma-1.0-py3-none-any.whl"
check "an extra" "$(files first '@uv//delta:delta[fast]')" \
  "delta-1.0-py3-none-any.whl gamma-1.0-py3-none-any.whl zeta-1.0-py3-none-any.whl"
check "dependencies behind uv's encoding of conflicts" "$(files first @uv_cu//net:deps)" "kernels-1.0-py3-none-any.whl net-1.0+cu-py3-none-any.whl"
run first build @uv//net
check "what no extra asks for is not there" $? 1
check_message "it says who decides" "error: wheels: @uv//net: got a package that no python and platform of the hub uses, expected one that they need"
requests >/dev/null

# --- environments ------------------------------------------------------------------------------------------------------

run first build --output_groups=summary //:venv
run first cquery --output=files --output_groups=summary //:venv
summary=$(find "$scratch/first/execroot" -path "*/$(tail -n 1 "$scratch/out")")
check "the wheels of an environment" "$(grep -o '"wheels":.*' "$summary")" '"wheels":["delta==1.0","gamma==1.0"]}'
if command -v python3.11 >/dev/null; then
  run first test //:venv_test
  check "a test in an environment" $? 0
else
  skip "a test in an environment" "python3.11 is not installed"
fi
requests >/dev/null

# --- pylock.toml -------------------------------------------------------------------------------------------------------

check "the same wheel" "$(files first @py//alpha)" "$glibc"
check "a marker on an extra" "$(files first @py//zeta)" "zeta-1.0-py3-none-any.whl"
check "a wheel beside the lock" "$(files first @py//local)" "local-1.0-py3-none-any.whl"
check "a wheel is fetched once, whatever lock names it" "$(requests)" ""
run first build @py//alpha:deps
check "no edges in this lock" $? 1
check_message "it says so" "error: wheels: @py//alpha:deps: got a pylock.toml, which does not say who needs whom, expected a lock that does"

# --- overrides ---------------------------------------------------------------------------------------------------------

# member TARGET NAME: the text of a file in the wheel of a target.
member() {
  run first build "$1" && run first cquery --output=files "$1" || return
  local path
  path=$(tail -n 1 "$scratch/out")
  run first info execution_root
  python3 -c 'import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]).decode().split("\n")[0])' \
    "$(tail -n 1 "$scratch/out")/$path" "$2"
}

check "the patched wheel has the name of the old one" "$(files first @patched//alpha)" "$glibc"
check "and the line of the patch" "$(member @patched//alpha:whl alpha/__init__.py)" "VERSION = 'patched'"
check "and the file that was added" "$(member @patched//alpha alpha/notes.txt)" "Why it is patched."
check "dependents get it too" "$(member @patched//alpha:deps alpha/__init__.py)" "VERSION = 'patched'"
check "pinned stays what the lock has" "$(member @patched//alpha:pinned alpha/__init__.py)" "VERSION = '1.0'"
check "the tree is that of the patched wheel" "$(files first @patched//alpha:tree)" "tree"
run first info execution_root
check "with its file" "$(cat "$(tail -n 1 "$scratch/out")"/bazel-out/*/bin/external/*patched/alpha/override/tree/alpha/notes.txt)" "Why it is patched."
run first build --nobuild @patched//alpha:layer @patched//omega:layer
check "there is a layer of it" $? 0
check "a wheel where the lock has none" "$(files first @patched//omega:deps)" "omega-1.0-py3-none-any.whl"
run first build //third_party:stale
check "a patch of other lines" $? 1
check_message "it says which" "third_party/stale.patch: line 3: hunk 1 of 'alpha/__init__.py': line 1: got 'VERSION = \'1.0\'', expected 'VERSION = \'0.9\''"
run first build @nobody//alpha
check "an override of nothing" $? 1
check_message "it says of what" "got an override of 'nobody', which "
requests >/dev/null

# --- refusals ----------------------------------------------------------------------------------------------------------

run first build @uv//omega
check "a source archive only" $? 1
check_message "it says what to do" "error: wheel: @uv//omega (python 3.11, linux_x86_64): got omega 1.0: the source archive 'omega-1.0.tar.gz' only, expected a wheel"
check_message "and what would help" "name one that a build makes (sdist_wheel, of @uv//omega:sdist) in wheels.lock(name = 'uv', overrides = {'omega': ...})"
run first build @uv//gone
check "a wheel that is gone" $? 1
check_message "it says where it was" "error: wheel: gone==1.0 (gone-1.0-py3-none-any.whl): got nothing usable from http://127.0.0.1:"
run first build @uv//wrong
check "wrong bytes" $? 1
check_message "it says so, too" "error: wheel: wrong==1.0 (wrong-1.0-py3-none-any.whl): got nothing usable from http://127.0.0.1:"
run first build @uv//alpha --platforms=//:macos
check "a platform that is not locked" $? 1
check_message "it says which are" "error: wheels: @uv//alpha: got a python or platform without a pinned wheel, expected one of cp311_linux_aarch64, "

kill "$server"
wait "$server" 2>/dev/null
check "another output base, no server" "$(files second @uv_cu//net:deps --repository_disable_download)" \
  "kernels-1.0-py3-none-any.whl net-1.0+cu-py3-none-any.whl"

exit "$failed"
