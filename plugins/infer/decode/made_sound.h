// Sounds by formula, for tests of what is speech.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_MADE_SOUND_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_MADE_SOUND_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "plugins/infer/log_mel.h"

namespace rules_inference::infer {

// Loudness is in decibels of full scale, as the root of the mean square; of a voice about that.
struct MadeSound {
  std::vector<float> samples;

  // White.
  MadeSound& Noise(double seconds, double decibels) {
    for (size_t left = Count(seconds); left > 0; --left) samples.push_back(Random(decibels));
    return *this;
  }
  // Over noise, voiced syllables of 0.2 s, each with a colour of its own.
  MadeSound& Voice(double seconds, double decibels, double noise) {
    const double peak = std::pow(10, decibels / 20);
    const size_t count = Count(seconds);
    for (size_t i = 0; i < count; ++i) {
      constexpr size_t kSyllable = kSampleRate / 5;
      const double envelope = std::sin(std::numbers::pi * static_cast<double>(i % kSyllable) /
                                       static_cast<double>(kSyllable));
      const auto color = static_cast<double>(3 + i / kSyllable * 7 % 20);
      double sum = 0;
      for (int overtone = 1; overtone <= 25; ++overtone) {
        sum +=
            std::exp(-std::abs(overtone - color) / 2) *
            std::sin(2 * std::numbers::pi * 140 * overtone * static_cast<double>(i) / kSampleRate);
      }
      samples.push_back(static_cast<float>(peak * envelope * sum) + Random(noise));
    }
    return *this;
  }
  MadeSound& Tone(double seconds, double decibels, double hertz) {
    const double peak = std::sqrt(2.0) * std::pow(10, decibels / 20);
    for (size_t left = Count(seconds); left > 0; --left) {
      samples.push_back(
          static_cast<float>(peak * std::sin(2 * std::numbers::pi * hertz *
                                             static_cast<double>(samples.size()) / kSampleRate)));
    }
    return *this;
  }

 private:
  static size_t Count(double seconds) { return static_cast<size_t>(seconds * kSampleRate); }

  float Random(double decibels) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    const double uniform = static_cast<double>(state_ >> 11) * 0x1p-52 - 1;
    return static_cast<float>(std::sqrt(3.0) * std::pow(10, decibels / 20) * uniform);
  }

  uint64_t state_ = 1;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_MADE_SOUND_H_
