// How far a sound stands above the noise around it.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_SPEECH_LEVEL_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_SPEECH_LEVEL_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/log_mel.h"

namespace rules_inference::infer {

// 20 ms.
inline constexpr size_t kSamplesPerStep = kSampleRate / 50;

// Decibels, one for each step of `samples` (mono, 16 kHz), the last of which may be shorter. Steady
// noise stays below 4.8, whatever its colour and loudness. All are infinite where a sound is too
// short to tell its noise (1.5 s). The same for any number of threads.
std::vector<double> DecibelsAboveNoise(absl::Span<const float> samples, int threads);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_SPEECH_LEVEL_H_
