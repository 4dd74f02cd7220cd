// Problem: loudness does not tell speech from noise: noise of a room may be as loud, and it may
// change from one moment to the next, when a fan starts or a door opens.
//
// Idea: speech moves and noise stands. In each of 16 bands of frequency speech comes and goes
// several times a second, so the least that a band has within 1.5 s is its noise (minimum
// statistics, Martin 2001). That is asked of the 1.5 s before a moment and of those behind it, and
// the larger answer counts: from the moment on in which noise rises, the time behind tells so; up
// to the moment in which it falls, the time before does. What stands out is the mean of the four
// bands that stand out most, since a voice has its power in few bands at a time and noise of any
// colour leaves some of them free.
//
// Invariant: the noise of a band is never above its level; a constant level stands 0 dB out,
// however large it is.
//
// Example: speech begins in silence. The time before has the silence, the time behind has the gaps
// between syllables, in which a band falls nearly as low: the syllables stand out by 20 dB.
//
// Cost: a spectrum each 10 ms, then a few operations for each band and step.

#include "plugins/infer/decode/speech_level.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <deque>
#include <functional>
#include <limits>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/log_mel.h"

namespace rules_inference::infer {
namespace {

// From 120 Hz, below which it hums and rumbles, to 6 kHz; the lowest as wide as voices tell apart,
// then wider. In bins of 40 Hz.
constexpr std::array<size_t, 17> kEdges = {3,  6,  9,  12, 15, 19,  23,  28, 34,
                                           41, 49, 59, 71, 85, 103, 125, 151};
constexpr size_t kBands = kEdges.size() - 1;
constexpr size_t kBins = 201;
// In steps: how far to each side noise is looked for, and what is averaged against chance, first
// the powers of a band and in the end the result.
constexpr size_t kReach = 75;
constexpr size_t kPowerReach = 2;
constexpr size_t kResultReach = 2;
constexpr size_t kBest = 4;

std::vector<float> Filters() {
  std::vector<float> filters(kBands * kBins);
  for (size_t band = 0; band < kBands; ++band) {
    for (size_t bin = kEdges[band]; bin < kEdges[band + 1]; ++bin) filters[band * kBins + bin] = 1;
  }
  return filters;
}

// Means over up to `reach` neighbours to each side.
std::vector<double> Smooth(absl::Span<const double> values, size_t reach) {
  std::vector<double> smooth(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t begin = i - std::min(reach, i);
    const size_t end = std::min(values.size(), i + reach + 1);
    double sum = 0;
    for (size_t j = begin; j < end; ++j) sum += values[j];
    smooth[i] = sum / static_cast<double>(end - begin);
  }
  return smooth;
}

// Of each value and the kReach before it. Infinite where there are not so many.
std::vector<double> LeastBefore(absl::Span<const double> values) {
  std::vector<double> least(values.size());
  // Places whose values grow: none of the others can become the least any more.
  std::deque<size_t> places;
  for (size_t i = 0; i < values.size(); ++i) {
    while (!places.empty() && values[places.back()] >= values[i]) places.pop_back();
    places.push_back(i);
    if (places.front() + kReach < i) places.pop_front();
    least[i] = i < kReach ? -std::numeric_limits<double>::infinity() : values[places.front()];
  }
  return least;
}

std::vector<double> NoiseOf(absl::Span<const double> levels) {
  const std::vector<double> before = LeastBefore(levels);
  std::vector<double> behind = LeastBefore(std::vector<double>(levels.rbegin(), levels.rend()));
  std::reverse(behind.begin(), behind.end());
  const double least = *std::min_element(levels.begin(), levels.end());
  std::vector<double> noise(levels.size());
  for (size_t i = 0; i < noise.size(); ++i) noise[i] = std::max({before[i], behind[i], least});
  return noise;
}

// Of one band at each step, in decibels.
std::vector<double> LevelsOf(const LogMel& mel, size_t band, size_t steps) {
  std::vector<double> powers(steps);
  for (size_t i = 0; i < steps; ++i) {
    for (const size_t frame : {2 * i, 2 * i + 1}) {
      const auto value = static_cast<double>(mel.values[frame * kBands + band]);
      // What ComputeLogMel makes of the logarithm.
      powers[i] += std::pow(10.0, 4 * value - 4);
    }
  }
  std::vector<double> levels = Smooth(powers, kPowerReach);
  for (double& level : levels) level = 10 * std::log10(level);
  return levels;
}

}  // namespace

std::vector<double> DecibelsAboveNoise(absl::Span<const float> samples, int threads) {
  const size_t steps = (samples.size() + kSamplesPerStep - 1) / kSamplesPerStep;
  if (steps <= kReach) return std::vector<double>(steps, std::numeric_limits<double>::infinity());
  const LogMel mel = ComputeLogMel(samples, Filters(), threads);
  std::vector<std::array<double, kBands>> above(steps);
  for (size_t band = 0; band < kBands; ++band) {
    const std::vector<double> levels = LevelsOf(mel, band, steps);
    const std::vector<double> noise = NoiseOf(levels);
    for (size_t i = 0; i < steps; ++i) above[i][band] = levels[i] - noise[i];
  }
  std::vector<double> best(steps);
  for (size_t i = 0; i < steps; ++i) {
    std::partial_sort(above[i].begin(), above[i].begin() + kBest, above[i].end(),
                      std::greater<double>());
    for (size_t j = 0; j < kBest; ++j) best[i] += above[i][j] / kBest;
  }
  return Smooth(best, kResultReach);
}

}  // namespace rules_inference::infer
