#include "plugins/select/version.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace rules_inference::select {

std::optional<Version> Version::Parse(absl::string_view text) {
  Version version;
  size_t count = 0;
  for (const absl::string_view part : absl::StrSplit(text, '.')) {
    if (count == version.parts_.size() || part.empty() || part.size() > 9) return std::nullopt;
    int64_t& value = version.parts_[count++];
    for (const char c : part) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
      value = value * 10 + (c - '0');
    }
  }
  return version;
}

}  // namespace rules_inference::select
