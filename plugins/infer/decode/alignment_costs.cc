// Problem: some heads of the decoder look at the sound of the token that they write, but also at
// places where all tokens look, and not always steadily.
//
// Idea: of each head, attention as shares of the frames; at each frame, how far a token's share is
// from the mean of all tokens, in standard deviations, so that places where all look do not count;
// then a median over 7 frames against flicker, and the mean of the heads. What many look at is
// cheap.
//
// Cost: heads times tokens times frames, with a sort of 7 values for each.

#include "plugins/infer/decode/alignment_costs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "absl/types/span.h"

namespace rules_inference::infer {
namespace {

constexpr size_t kReach = 3;

void Softmax(absl::Span<double> row) {
  const double largest = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (double& value : row) sum += value = std::exp(value - largest);
  for (double& value : row) value /= sum;
}

// Each frame's values of all tokens get the mean 0 and the deviation 1.
void Standardize(std::vector<double>& weights, size_t tokens, size_t frames) {
  const auto count = static_cast<double>(tokens);
  for (size_t frame = 0; frame < frames; ++frame) {
    double mean = 0;
    for (size_t token = 0; token < tokens; ++token) mean += weights[token * frames + frame] / count;
    double variance = 0;
    for (size_t token = 0; token < tokens; ++token) {
      const double difference = weights[token * frames + frame] - mean;
      variance += difference * difference / count;
    }
    // All the same: the frame tells nothing.
    const double scale = variance > 0 ? 1 / std::sqrt(variance) : 0;
    for (size_t token = 0; token < tokens; ++token) {
      double& weight = weights[token * frames + frame];
      weight = (weight - mean) * scale;
    }
  }
}

}  // namespace

std::vector<double> MedianFilter(absl::Span<const double> row) {
  if (row.size() <= kReach) return {row.begin(), row.end()};
  const auto mirrored = [&](size_t i) {  // The index, moved by kReach.
    if (i < kReach) return row[kReach - i];
    const size_t at = i - kReach;
    return at < row.size() ? row[at] : row[2 * (row.size() - 1) - at];
  };
  std::vector<double> filtered(row.size());
  for (size_t i = 0; i < row.size(); ++i) {
    std::array<double, 2 * kReach + 1> near;
    for (size_t j = 0; j < near.size(); ++j) near[j] = mirrored(i + j);
    std::nth_element(near.begin(), near.begin() + kReach, near.end());
    filtered[i] = near[kReach];
  }
  return filtered;
}

std::vector<double> AlignmentCosts(absl::Span<const float> scores, size_t tokens, size_t frames) {
  const size_t size = tokens * frames;
  const size_t heads = scores.size() / size;
  std::vector<double> costs(size);
  for (size_t head = 0; head < heads; ++head) {
    const absl::Span<const float> of_head = scores.subspan(head * size, size);
    std::vector<double> weights(of_head.begin(), of_head.end());
    const absl::Span<double> all = absl::MakeSpan(weights);
    for (size_t token = 0; token < tokens; ++token) Softmax(all.subspan(token * frames, frames));
    Standardize(weights, tokens, frames);
    for (size_t token = 0; token < tokens; ++token) {
      const std::vector<double> row = MedianFilter(all.subspan(token * frames, frames));
      for (size_t frame = 0; frame < frames; ++frame) {
        costs[token * frames + frame] -= row[frame] / static_cast<double>(heads);
      }
    }
  }
  return costs;
}

}  // namespace rules_inference::infer
