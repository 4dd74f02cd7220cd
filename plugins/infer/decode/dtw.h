// Dynamic time warping: a path through a matrix of costs.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_DTW_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_DTW_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"

namespace rules_inference::infer {

// `costs`: [row][column], at least one of each. The first column of each row on the cheapest path
// from the first to the last element that goes one step down, right or both at a time.
std::vector<int> FirstColumns(absl::Span<const double> costs, size_t columns);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_DTW_H_
