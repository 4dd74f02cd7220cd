#include "plugins/infer/character_class.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace rules_inference::infer {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
  CharacterClass what;
};

using enum CharacterClass;

constexpr Range kRanges[] = {
#include "plugins/infer/character_class_table.inc"
};

}  // namespace

CharacterClass ClassOf(uint32_t code_point) {
  const Range* after =
      std::upper_bound(std::begin(kRanges), std::end(kRanges), code_point,
                       [](uint32_t value, const Range& range) { return value < range.first; });
  if (after == std::begin(kRanges) || code_point > (after - 1)->last) return kOther;
  return (after - 1)->what;
}

}  // namespace rules_inference::infer
