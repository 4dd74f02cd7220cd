// The input of the encoder: what energy a sound has, when, and at which pitch.

#ifndef RULES_INFERENCE_PLUGINS_INFER_LOG_MEL_H_
#define RULES_INFERENCE_PLUGINS_INFER_LOG_MEL_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"

namespace rules_inference::infer {

inline constexpr int kSampleRate = 16000;
// Samples from one frame to the next: 10 ms.
inline constexpr int kHop = 160;
// Frames of a window of 30 s.
inline constexpr int kWindowFrames = 3000;

struct LogMel {
  int mels = 0;
  // Frames of the sound. `values` has kWindowFrames more, of the silence behind it.
  int content_frames = 0;
  // [frame][mel].
  std::vector<float> values;

  int frames() const { return content_frames + kWindowFrames; }
  float at(int frame, int mel) const { return values[static_cast<size_t>(frame * mels + mel)]; }
};

// As openai/whisper computes it: 30 s of silence behind the sound, windows of 25 ms, the filters of
// the model ([mel][bin], 201 bins), logarithms of base 10 that reach 8 below the loudest value of
// all, then (x + 4) / 4.
//
// `samples`: mono, 16 kHz, -1 to 1. Up to `threads` threads, at least 1; the result does not depend
// on how many.
LogMel ComputeLogMel(absl::Span<const float> samples, absl::Span<const float> filters, int threads);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_LOG_MEL_H_
