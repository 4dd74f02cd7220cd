#include "plugins/infer/decode/candidates.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace rules_inference::infer {

const Candidate& BestOf(const std::vector<Candidate>& sequences,
                        std::optional<float> length_penalty) {
  const auto score = [&](const Candidate& candidate) {
    // Where blanks are allowed a sequence may be empty; its mean is that of the end alone.
    const double length = std::max(1.0, static_cast<double>(candidate.tokens.size()));
    const double by = length_penalty.has_value()
                          ? std::pow((5 + length) / 6, static_cast<double>(*length_penalty))
                          : length;
    return candidate.sum_log_probability / by;
  };
  return *std::max_element(
      sequences.begin(), sequences.end(),
      [&](const Candidate& a, const Candidate& b) { return score(a) < score(b); });
}

}  // namespace rules_inference::infer
