// Problem. An interpreter knows its virtual environment by pyvenv.cfg, which names the directory of
// the interpreter by an absolute path. The output of a build must not hold one: it is the same on
// every machine, and lies at several places (execution root, runfiles, sandbox).
//
// Idea. bin/python is a script. The first time at a place it makes a second, small environment,
// with links to its own directories and an absolute pyvenv.cfg, in the cache directory of the user
// or that of the test; the interpreter is started there. So .pth files, sys.prefix, sys.executable
// and programs that start other Python programs work as in any environment, for every version of
// Python.
//
// Invariant. The small environment gets its name by one rename when it is complete. Its name
// follows from the place, the content, and what the interpreter is looked up by; another of these
// makes another one.

#include "plugins/wheel/venv/program.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace rules_inference::wheel {
namespace {

// @VERSION@ and @ID@ are replaced. POSIX sh.
constexpr char kInterpreter[] = R"sh(#!/bin/sh
# Python @VERSION@ in the virtual environment that this file is part of; made by rules_inference.
self=$0
case $self in */*) ;; *) self=$(command -v -- "$self") ;; esac
while [ ! -e "${self%/*}/../pyvenv.cfg" ] && [ -L "$self" ]; do
  link=$(readlink -- "$self")
  case $link in /*) self=$link ;; *) self=${self%/*}/$link ;; esac
done
here=$(CDPATH='' cd -- "${self%/*}/.." && pwd) || exit 1
# Packages are outputs of a build: no bytecode is written beside them.
export PYTHONDONTWRITEBYTECODE="${PYTHONDONTWRITEBYTECODE-1}"

cache=${TEST_TMPDIR:-${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}}
if [ -z "$cache" ]; then
  cache=${TMPDIR:-/tmp}/rules_inference.$(id -u)
  mkdir -m 700 "$cache" 2>/dev/null
  # Not in a directory of somebody else, who could change what is run.
  if [ -L "$cache" ] || ! [ -O "$cache" ]; then cache=/dev/null; fi
fi
cache=$cache/rules_inference/venv
key=$(printf '%s\n' "$here" @ID@ "$PATH" | cksum)
venv=$cache/${key%% *}${key##* }
usable() {
  [ -x "$venv/bin/python" ] && [ "$(readlink "$venv/lib")" = "$here/lib" ] &&
    grep -q '^rules_inference = @ID@$' "$venv/pyvenv.cfg"
}
if usable; then exec "$venv/bin/python" "$@"; fi

# look PYTHON: its version and path, "3.12 /usr/bin/python3.12".
look() {
  "$1" -I -S -c '
import os, sys
base = getattr(sys, "_base_executable", "") or sys.executable
if sys.argv[1]: base = os.path.realpath(base)
print("%d.%d%s %s" % (sys.version_info[0], sys.version_info[1], "t" * ("t" in getattr(sys, "abiflags", "")), base))
' "$2" 2>/dev/null
}
found=
seen=
if [ -e "$here/bin/base_python" ]; then
  seen=$(look "$here/bin/base_python" 1)
  case $seen in "@VERSION@ "*) found=${seen#* } ;; esac
else
  for name in python@VERSION@ python3 python; do
    IFS=:
    for directory in $PATH; do
      unset IFS
      if [ -n "$found" ] || [ ! -x "$directory/$name" ] || [ -d "$directory/$name" ]; then continue; fi
      # This very environment, when it is activated.
      if grep -qs '^rules_inference = ' "$directory/../pyvenv.cfg"; then continue; fi
      answer=$(look "$directory/$name" '') || continue
      case $answer in "@VERSION@ "*) found=${answer#* } ;; esac
      seen=${seen:-$answer}
    done
    unset IFS
  done
fi
if [ -z "$found" ]; then
  printf "error: python: %s: got %s, expected Python @VERSION@\n" "$here" "${seen:-no interpreter}" >&2
  printf 'hint: put python@VERSION@ on PATH, or name it: interpreter = of wheel_venv\n' >&2
  exit 1
fi

new=$venv.$$
make() {
  mkdir -p "$new/bin" && ln -s "$found" "$new/bin/python" && ln -s python "$new/bin/python3" &&
    ln -s python "$new/bin/python@VERSION@" && ln -s "$here/lib" "$new/lib" || return
  for path in "$here"/*; do
    case ${path##*/} in bin | lib | pyvenv.cfg) ;; *) ln -s "$path" "$new/" || return ;; esac
  done
  for path in "$here"/bin/*; do
    case ${path##*/} in
      python | python3 | python@VERSION@ | base_python) ;;
      *) ln -s "$path" "$new/bin/" || return ;;
    esac
  done
  printf '%s\n' "home = ${found%/*}" 'include-system-site-packages = false' 'version = @VERSION@' \
    'rules_inference = @ID@' >"$new/pyvenv.cfg"
}
if ! make 2>/dev/null; then
  # A home that cannot be written: a place for this run.
  rm -rf "$new"
  venv=$(mktemp -d) && new=$venv/venv && make || exit 1
  exec "$new/bin/python" "$@"
fi
# Another process may have been faster; what is there and cannot be used has lost its interpreter.
old=
if [ -e "$venv" ]; then old=$venv; fi
if ! usable; then
  if [ -n "$old" ]; then rm -rf "$old"; fi
  mv "$new" "$venv"
fi
rm -rf "$new" "${venv:?}/${new##*/}"
exec "$venv/bin/python" "$@"
)sh";

bool NamesPython(absl::string_view line) {
  for (const absl::string_view word : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
    const absl::string_view name = word.substr(word.rfind('/') + 1);
    if (name == "env" || absl::StartsWith(name, "-")) continue;
    return absl::StartsWith(name, "python");
  }
  return false;
}

}  // namespace

std::string VenvConfig(absl::string_view python_version, absl::string_view id) {
  return absl::StrCat("include-system-site-packages = false\nversion = ", python_version,
                      "\nrules_inference = ", id, "\n");
}

std::string InterpreterScript(absl::string_view python_version, absl::string_view id) {
  return absl::StrReplaceAll(kInterpreter, {{"@VERSION@", python_version}, {"@ID@", id}});
}

std::optional<std::string> WithOwnInterpreter(absl::string_view script) {
  const size_t end = script.find('\n');
  absl::string_view line = script.substr(0, end);
  if (end == absl::string_view::npos || !absl::ConsumePrefix(&line, "#!") || !NamesPython(line)) {
    return std::nullopt;
  }
  // Two lines for the shell, one text for Python, as a kernel wants an absolute path after "#!".
  return absl::StrCat("#!/bin/sh\n'''exec' \"${0%/*}/python\" \"$0\" \"$@\"\n' '''\n",
                      script.substr(end + 1));
}

}  // namespace rules_inference::wheel
