// Versions of drivers, toolkits and C libraries: numbers with dots.

#ifndef RULES_INFERENCE_PLUGINS_SELECT_VERSION_H_
#define RULES_INFERENCE_PLUGINS_SELECT_VERSION_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace rules_inference::select {

// 535.104.05 is newer than 535.86.09: the parts are numbers, and leading zeros mean nothing. What a
// version does not say is 0, so 12 is 12.0.
class Version {
 public:
  // Nothing unless `text` is 1 to 4 numbers of at most 9 digits with dots between them.
  static std::optional<Version> Parse(absl::string_view text);

  // The number at `index`, 0 to 3.
  int64_t part(size_t index) const { return parts_[index]; }
  // As one number that sorts like the first two: 12.8 is 12008.
  int64_t major_minor() const { return part(0) * 1000 + part(1); }

  friend auto operator<=>(const Version&, const Version&) = default;

 private:
  std::array<int64_t, 4> parts_ = {};
};

}  // namespace rules_inference::select

#endif  // RULES_INFERENCE_PLUGINS_SELECT_VERSION_H_
