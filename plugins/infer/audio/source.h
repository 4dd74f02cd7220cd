// What a decoder gives, piece by piece.

#ifndef RULES_INFERENCE_PLUGINS_INFER_AUDIO_SOURCE_H_
#define RULES_INFERENCE_PLUGINS_INFER_AUDIO_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace rules_inference::infer {

class AudioSource {
 public:
  virtual ~AudioSource() = default;
  // In Hz; as the file says, unchecked.
  virtual int64_t rate() const = 0;
  virtual int64_t channels() const = 0;
  // How many frames (a sample of each channel) the file says there are; absent when it does not.
  virtual std::optional<uint64_t> promised() const { return std::nullopt; }
  // Fills `out`, whole frames, from the beginning; returns the number of frames. 0 at the end.
  virtual absl::StatusOr<size_t> Read(absl::Span<float> out) = 0;
};

// `bytes` have to outlive the result. Errors: what the decoder does not take.
absl::StatusOr<std::unique_ptr<AudioSource>> OpenWav(absl::string_view bytes,
                                                     absl::string_view where);
absl::StatusOr<std::unique_ptr<AudioSource>> OpenFlac(absl::string_view bytes,
                                                      absl::string_view where);
absl::StatusOr<std::unique_ptr<AudioSource>> OpenMp3(absl::string_view bytes,
                                                     absl::string_view where);
absl::StatusOr<std::unique_ptr<AudioSource>> OpenVorbis(absl::string_view bytes,
                                                        absl::string_view where);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_AUDIO_SOURCE_H_
