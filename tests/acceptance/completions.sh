#!/usr/bin/env bash
# The completions of inferctl and infer in the real shells. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

build_or_die //plugins/inferctl //plugins/infer/cli:infer
inferctl=$(files_of //plugins/inferctl)
infer=$(files_of //plugins/infer/cli:infer)
here=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cd "$SCRATCH" || exit 1
for shell in bash fish zsh; do
  "$inferctl" completions "$shell" >"inferctl.$shell" || exit 1
  "$infer" completions "$shell" >"infer.$shell" || exit 1
done
mkdir folder
touch demo.lock.json

# What is typed, and what a shell has to offer for it (all of it, sorted).
cases=(
  "inferctl lo|lock"
  "inferctl lock ch|check"
  "inferctl select --devices |all any"
  "inferctl select demo.lock.json --format t|text"
  "inferctl select --no-fallback --unk|--unknown-host"
  "inferctl completions |bash fish zsh"
  "inferctl select --host de|demo.lock.json"
  "inferctl models pr|prune"
  "inferctl models lock --allow |other pickle"
  "inferctl models import de|demo.lock.json"
  "inferctl lock check de|demo.lock.json"
  "infer tr|transcribe"
  "infer model ma|make-test"
  "infer transcribe --output-format json|json jsonl"
  "infer transcribe --device |auto cpu cuda"
  "infer transcribe de|demo.lock.json"
  "infer bench --model de|demo.lock.json"
)

bash_offers() {
  bash --norc -c '
    program=${1%% *}
    source "$program.bash"
    read -ra COMP_WORDS <<<"$1"
    [[ $1 != *" " ]] || COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    compopt() { :; }
    "_$program"
    printf "%s\n" "${COMPREPLY[@]}"' _ "$1" | LC_ALL=C sort | paste -sd' '
}

fish_offers() {
  HOME=$SCRATCH fish --no-config -c 'source $argv[2]; complete -C "$argv[1]"' "$1" "${1%% *}.fish" | cut -f1 | LC_ALL=C sort | paste -sd' '
}

for case in "${cases[@]}"; do
  equal "bash: ${case%%|*}" "$(bash_offers "${case%%|*}")" "${case#*|}"
done
if needs "fish completions" fish; then
  for case in "${cases[@]}"; do
    equal "fish: ${case%%|*}" "$(fish_offers "${case%%|*}")" "${case#*|}"
  done
fi
# zsh completes only at a terminal: what is on the line after the tabulator, for those with one answer.
if needs "zsh completions" zsh; then
  for case in "${cases[@]}"; do
    [[ ${case#*|} != *" "* ]] || continue
    typed=${case%%|*}
    equal "zsh: $typed" "$(python3 "$here/zsh_complete.py" "${typed%% *}.zsh" "$typed")" "${typed% *} ${case#*|}"
  done
fi
exit "$FAILED"
