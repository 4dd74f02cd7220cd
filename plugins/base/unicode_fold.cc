#include "plugins/base/unicode_fold.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>

#include "plugins/base/utf8.h"

namespace rules_inference::base {
namespace {

struct Fold {
  uint16_t code_point;
  std::array<uint16_t, 4> folded;  // Zeros at the end are unused.
};

constexpr Fold kFolds[] = {
#include "plugins/base/unicode_fold_table.inc"
};

}  // namespace

void AppendFolded(uint32_t code_point, std::string& out) {
  const Fold* fold =
      std::lower_bound(std::begin(kFolds), std::end(kFolds), code_point,
                       [](const Fold& entry, uint32_t value) { return entry.code_point < value; });
  if (fold == std::end(kFolds) || fold->code_point != code_point) {
    AppendUtf8(code_point, out);
    return;
  }
  for (const uint16_t c : fold->folded) {
    if (c != 0) AppendUtf8(c, out);
  }
}

}  // namespace rules_inference::base
