// WAV files for tests, also such as should not be.

#ifndef RULES_INFERENCE_PLUGINS_INFER_AUDIO_TEST_WAV_H_
#define RULES_INFERENCE_PLUGINS_INFER_AUDIO_TEST_WAV_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace rules_inference::infer {

struct TestWav {
  enum class Encoding { kPcm, kFloat, kALaw, kMuLaw };
  Encoding encoding = Encoding::kPcm;
  int bits = 16;
  int rate = 16000;
  int channels = 1;
  bool extensible = false;
  bool big_endian = false;  // RIFX; 16 bits only.
  // What the header says, instead of what is true.
  std::optional<uint32_t> riff_size;
  std::optional<uint32_t> data_size;
};

// `samples` from -1 to 1; all channels have the same.
std::string MakeWav(const TestWav& wav, absl::Span<const float> samples);

// A sum of sines, as many samples as `seconds` have.
std::vector<float> Tone(int rate, double seconds, absl::Span<const double> frequencies);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_AUDIO_TEST_WAV_H_
