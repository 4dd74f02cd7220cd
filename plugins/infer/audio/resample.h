// A sound at another rate.
//
// Problem: the model hears 16 kHz; files have any rate. What lies above half of the lower rate must
// not come back as another pitch, and what lies below must stay.
//
// Idea: with the rates in lowest terms, L new samples for M old ones, new sample n lies at n * M /
// L of the old ones. Its value is a weighted sum of its neighbours, and the weights, a sinc under a
// Kaiser window, depend only on the fraction, of which there are L: a table of L rows. Where L is
// large (44,101 Hz) the table has 512 rows and neighbouring rows are interpolated.
//
// Invariant: the sum of the weights of a row is 1, so that constants stay what they are. Pass band
// to 0.90, stop band from 1.0 of half the lower rate, 100 dB down; the result does not depend on
// how the input is cut into pieces.
//
// Cost: 128 / 0.95 * max(1, M / L) products for each new sample, twice that with interpolation.

#ifndef RULES_INFERENCE_PLUGINS_INFER_AUDIO_RESAMPLE_H_
#define RULES_INFERENCE_PLUGINS_INFER_AUDIO_RESAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace rules_inference::infer {

class Resampler {
 public:
  // Rates in Hz, 1000 to 768000.
  Resampler(int from, int to);

  // Appends what can be computed by now.
  void Push(absl::Span<const float> samples, std::vector<float>* out);
  // Appends the rest: behind the end there is silence. All in all there are as many new samples as
  // fit into the length of the sound, rounded up.
  void Finish(std::vector<float>* out);

 private:
  void Produce(std::vector<float>* out);

  int64_t step_;    // M.
  int64_t phases_;  // L.
  int64_t half_;    // Weights on each side.
  int64_t rows_;    // Rows of the table but for the last, which is there to interpolate with.
  std::vector<float> weights_;

  // Old samples from number `first_` on.
  std::vector<float> buffer_;
  int64_t first_;
  int64_t pushed_ = 0;
  int64_t produced_ = 0;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_AUDIO_RESAMPLE_H_
