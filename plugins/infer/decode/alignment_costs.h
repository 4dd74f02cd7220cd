// From where attention looks to what it costs to say that a token is spoken at a frame.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_ALIGNMENT_COSTS_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_ALIGNMENT_COSTS_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"

namespace rules_inference::infer {

// `scores`: [head][token][frame], before softmax, at least one of each. Returns [token][frame].
std::vector<double> AlignmentCosts(absl::Span<const float> scores, size_t tokens, size_t frames);

// The middle of each value and three neighbours to each side; beyond the ends the row is mirrored.
// A row that is too short for that stays as it is.
std::vector<double> MedianFilter(absl::Span<const double> row);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_ALIGNMENT_COSTS_H_
