// Sound files to what the model hears: mono, 16 kHz, -1 to 1.
//
// WAV (RIFF, RIFX, RF64, W64; PCM of 8 to 64 bits, float, A-law, mu-law, ADPCM), AIFF and FLAC and
// MP3 by miniaudio, Ogg Vorbis by libvorbis: both are small, kept and fuzzed. The format is found
// out from the bytes, not from the name of the file.
//
// Files come from anywhere. Sound is decoded in pieces, mixed and resampled at once, so that memory
// is bound by `max_seconds` of the result whatever a file promises or expands to. A file that is
// damaged or ends early is refused: half of a recording would pass for all of it.

#ifndef RULES_INFERENCE_PLUGINS_INFER_AUDIO_AUDIO_H_
#define RULES_INFERENCE_PLUGINS_INFER_AUDIO_AUDIO_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::infer {

struct AudioLimits {
  // Of the decoded sound: 230 MB an hour.
  double max_seconds = 6 * 3600;
};

// Samples without a header.
struct RawFormat {
  enum class Sample { kS16, kF32 };  // Little-endian.
  Sample sample = Sample::kS16;
  int rate = 16000;
  int channels = 1;
};

// "s16le:16000:1", "f32le:44100:2"; rate and channels may be left out.
absl::StatusOr<RawFormat> ParseRawFormat(absl::string_view text);

// Errors read "audio: <where>: got X, expected Y"; too long a sound is ResourceExhausted.
absl::StatusOr<std::vector<float>> DecodeAudio(absl::string_view bytes, absl::string_view where,
                                               const AudioLimits& limits = {});
absl::StatusOr<std::vector<float>> DecodeRaw(absl::string_view bytes, absl::string_view where,
                                             const RawFormat& format,
                                             const AudioLimits& limits = {});

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_AUDIO_AUDIO_H_
