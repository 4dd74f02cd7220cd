// Problem: the probability of one token takes the exponentials of some 50,000 logits, for each
// token and each sequence; one by one they cost as much as some layers of a small model.
//
// Idea: eight at a time, in plain loops that compilers turn into vector code. An exponential is a
// power of two, which is put into the exponent's bits, times a polynomial (the one of Cephes) on
// what is left of the argument. Sums are floats for 512 logits, and doubles from there on.
//
// Invariant: the largest logit is subtracted before, so no exponential is above 1. What is below
// exp(-80) counts as that, which no sum notices.
//
// Cost: about a quarter of the standard library's; errors some 1e-7 of the sum.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/types/span.h"
#include "plugins/infer/decode/logit_filter.h"

namespace rules_inference::infer {
namespace {

constexpr size_t kLanes = 8;
constexpr size_t kBlock = 512;
using Lanes = std::array<float, kLanes>;

float Largest(absl::Span<const float> logits) {
  Lanes largest;
  largest.fill(-std::numeric_limits<float>::infinity());
  size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    const float* const x = &logits[i];
    for (size_t l = 0; l < kLanes; ++l) largest[l] = x[l] > largest[l] ? x[l] : largest[l];
  }
  for (; i < logits.size(); ++i) largest[0] = std::max(largest[0], logits[i]);
  return *std::max_element(largest.begin(), largest.end());
}

void AddExponentials(const float* x, float largest, Lanes& sums) {
  constexpr float kLog2OfE = 1.44269504F;
  // The logarithm of 2 in two parts, of which the first has few bits: its products are exact.
  constexpr float kLog2High = 0.693359375F;
  constexpr float kLog2Low = -2.12194440e-4F;
  // 1.5 * 2^23: added to a number it leaves its nearest integer in the lowest bits.
  constexpr float kRound = 12582912.0F;
  constexpr int kExponentBits = 23;
  constexpr float kLowest = -80.0F;
  Lanes y;
  Lanes rounded;
  Lanes rest;
  Lanes power;
  for (size_t l = 0; l < kLanes; ++l) y[l] = x[l] - largest;
  for (size_t l = 0; l < kLanes; ++l) y[l] = y[l] < kLowest ? kLowest : y[l];
  for (size_t l = 0; l < kLanes; ++l) rounded[l] = y[l] * kLog2OfE + kRound;
  for (size_t l = 0; l < kLanes; ++l) {
    const float twos = rounded[l] - kRound;
    rest[l] = (y[l] - twos * kLog2High) - twos * kLog2Low;
  }
  for (size_t l = 0; l < kLanes; ++l) {
    const float r = rest[l];
    float p = 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    power[l] = p * r * r + r + 1.0F;
  }
  const auto twos = std::bit_cast<std::array<uint32_t, kLanes>>(rounded);
  auto bits = std::bit_cast<std::array<uint32_t, kLanes>>(power);
  for (size_t l = 0; l < kLanes; ++l) bits[l] += twos[l] << kExponentBits;
  const auto exponentials = std::bit_cast<Lanes>(bits);
  for (size_t l = 0; l < kLanes; ++l) sums[l] += exponentials[l];
}

}  // namespace

double LogSumExp(absl::Span<const float> logits) {
  const float largest = Largest(logits);
  const auto offset = static_cast<double>(largest);
  if (std::isinf(largest)) return offset;
  double sum = 0;
  size_t i = 0;
  while (i + kLanes <= logits.size()) {
    const size_t end = std::min(logits.size(), i + kBlock);
    Lanes sums = {};
    for (; i + kLanes <= end; i += kLanes) AddExponentials(&logits[i], largest, sums);
    for (const float part : sums) sum += static_cast<double>(part);
  }
  for (; i < logits.size(); ++i) sum += std::exp(static_cast<double>(logits[i]) - offset);
  return offset + std::log(sum);
}

}  // namespace rules_inference::infer
