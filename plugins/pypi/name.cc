#include "plugins/pypi/name.h"

#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace rules_inference::pypi {
namespace {

bool IsSeparator(char c) { return c == '-' || c == '_' || c == '.'; }
bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

}  // namespace

bool IsName(absl::string_view name) {
  return !name.empty() && IsAlnum(name.front()) && IsAlnum(name.back()) &&
         absl::c_all_of(name, [](char c) { return IsAlnum(c) || IsSeparator(c); });
}

std::string NormalizeName(absl::string_view name) {
  std::string out;
  for (const char c : name) {
    if (!IsSeparator(c)) {
      out += absl::ascii_tolower(static_cast<unsigned char>(c));
    } else if (!absl::EndsWith(out, "-")) {
      out += '-';
    }
  }
  return out;
}

}  // namespace rules_inference::pypi
