// What the request logic needs of speech recognition, for many threads at once.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_SPEECH_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_SPEECH_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/decode/transcribe.h"

namespace rules_inference::infer {

class Speech {
 public:
  virtual ~Speech() = default;

  // Samples of a file: mono, 16 kHz.
  virtual absl::StatusOr<std::vector<float>> Listen(absl::string_view file) = 0;
  // `observer` may be asked by any thread whether the transcript is still wanted, between steps.
  virtual absl::StatusOr<Transcript> Transcribe(absl::Span<const float> samples,
                                                const TranscribeOptions& options,
                                                TranscribeObserver* observer) = 0;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_SPEECH_H_
