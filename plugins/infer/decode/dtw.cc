// Problem: tokens (rows) come in the order of the sound's frames (columns), each takes some. Which
// frames are whose, so that the sum of costs is the least?
//
// Idea: the cheapest path to an element comes from the left, from above, or from both; from the
// first element on, each is one addition. Then the path is walked back from the end.
//
// Invariant: what is kept of an element is the sum of the cheapest path to it. Sums are floats and
// ties go to the left, as in openai/whisper: near ties are frequent in silence, and only the same
// arithmetic breaks them the same way.
//
// Example: 1 5 5
//          5 1 1   has the path (0,0) (1,1) (1,2): rows begin at columns 0 and 1.
//
// Cost: rows times columns, one byte kept for each element.

#include "plugins/infer/decode/dtw.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "absl/types/span.h"

namespace rules_inference::infer {
namespace {

enum class From : uint8_t { kBoth, kAbove, kLeft };

}  // namespace

std::vector<int> FirstColumns(absl::Span<const double> costs, size_t columns) {
  const size_t rows = costs.size() / columns;
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  // Element 0 is beside the matrix.
  std::vector<float> above(columns + 1, kInfinite);
  std::vector<float> sums(columns + 1, kInfinite);
  above[0] = 0;
  std::vector<From> from(costs.size());
  for (size_t row = 0; row < rows; ++row) {
    sums[0] = kInfinite;
    for (size_t column = 0; column < columns; ++column) {
      const float both = above[column];
      const float up = above[column + 1];
      const float left = sums[column];
      From best = From::kLeft;
      float sum = left;
      if (both < up && both < left) {
        best = From::kBoth;
        sum = both;
      } else if (up < both && up < left) {
        best = From::kAbove;
        sum = up;
      }
      const size_t at = row * columns + column;
      sums[column + 1] = static_cast<float>(costs[at] + static_cast<double>(sum));
      from[at] = best;
    }
    std::swap(above, sums);
  }

  std::vector<int> first(rows);
  size_t row = rows - 1;
  size_t column = columns - 1;
  while (true) {
    first[row] = static_cast<int>(column);
    if (row == 0 && column == 0) return first;
    const From step = column == 0 ? From::kAbove
                      : row == 0  ? From::kLeft
                                  : from[row * columns + column];
    if (step != From::kLeft) --row;
    if (step != From::kAbove) --column;
  }
}

}  // namespace rules_inference::infer
