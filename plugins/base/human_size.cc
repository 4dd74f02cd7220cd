#include "plugins/base/human_size.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace rules_inference::base {

std::string HumanSize(uint64_t bytes) {
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  auto value = static_cast<double>(bytes);
  const char* const units[] = {"kB", "MB", "GB", "TB"};
  size_t unit = 0;
  value /= 1000;
  while (value >= 999.95 && unit < 3) {
    value /= 1000;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", value, units[unit]);
}

}  // namespace rules_inference::base
