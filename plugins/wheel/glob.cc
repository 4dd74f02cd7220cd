// Problem. Match a path against a pattern without exponential time: a pattern comes from a BUILD
// file and a path from an archive.
//
// Idea. A set of states: state p means "the first p bytes of the pattern have matched". Each byte
// of the path moves all states on at once. A star keeps its state and also lets it through.
//
// Cost: length of the pattern times length of the path, whatever they hold.

#include "plugins/wheel/glob.h"

#include <cstddef>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace rules_inference::wheel {
namespace {

// The length of the star at `at`: 2 for "**", 1 for "*", 0 for anything else.
size_t StarAt(absl::string_view pattern, size_t at) {
  const absl::string_view rest = pattern.substr(at);
  return absl::StartsWith(rest, "**") ? 2 : absl::StartsWith(rest, "*") ? 1 : 0;
}

// Adds a state and those that it reaches by stars that match nothing (more). No state is in the
// middle of "**". `at_start`: the path is at the start of a component.
void Enter(absl::string_view pattern, size_t state, bool at_start, std::vector<bool>& states) {
  while (!states[state]) {
    states[state] = true;
    const size_t star = StarAt(pattern, state);
    if (star == 0) return;
    const bool whole_component = star == 2 && (state == 0 || pattern[state - 1] == '/');
    if (at_start && whole_component && absl::StartsWith(pattern.substr(state + star), "/")) {
      Enter(pattern, state + star + 1, at_start, states);
    }
    state += star;
  }
}

}  // namespace

bool GlobMatches(absl::string_view pattern, absl::string_view path) {
  std::vector<bool> states(pattern.size() + 1);
  Enter(pattern, 0, true, states);
  for (const char c : path) {
    std::vector<bool> next(pattern.size() + 1);
    for (size_t state = 0; state < pattern.size(); ++state) {
      if (!states[state]) continue;
      const size_t star = StarAt(pattern, state);
      if (star == 2 || (star == 1 && c != '/')) {
        Enter(pattern, state, c == '/', next);
      } else if (star == 0 && (pattern[state] == c || (pattern[state] == '?' && c != '/'))) {
        Enter(pattern, state + 1, c == '/', next);
      }
    }
    states.swap(next);
  }
  return states[pattern.size()];
}

}  // namespace rules_inference::wheel
