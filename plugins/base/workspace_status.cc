#include "plugins/base/workspace_status.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"

namespace rules_inference::base {
namespace {

constexpr size_t kLongest = 100;

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '+' || c == '-' ||
         c == '_';
}

}  // namespace

absl::StatusOr<absl::string_view> StatusName(absl::string_view status, absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    if (!absl::ConsumePrefix(&line, key) || (!line.empty() && line.front() != ' ')) continue;
    const absl::string_view value = absl::StripAsciiWhitespace(line);
    if (value.size() > kLongest || !std::all_of(value.begin(), value.end(), IsNameCharacter)) {
      return Mismatch("workspace status", key, Quoted(value),
                      "up to 100 letters, digits and any of '.+-_'");
    }
    return value;
  }
  return absl::string_view();
}

}  // namespace rules_inference::base
