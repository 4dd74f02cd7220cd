#include "plugins/infer/decode/rounding.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace rules_inference::infer {

double RoundToHundredths(double value) {
  double rounded = 0;
  // What was just written can be read.
  (void)absl::SimpleAtod(absl::StrFormat("%.2f", value), &rounded);
  return rounded;
}

int RoundToInt(double value) { return static_cast<int>(std::nearbyint(value)); }

}  // namespace rules_inference::infer
