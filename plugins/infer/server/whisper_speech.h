// Speech recognition with one model on one engine, for all requests.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_WHISPER_SPEECH_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_WHISPER_SPEECH_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/audio/audio.h"
#include "plugins/infer/batching_engine.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"
#include "plugins/infer/server/speech.h"

namespace rules_inference::infer {

class WhisperSpeech final : public Speech {
 public:
  WhisperSpeech(std::unique_ptr<Model> model, std::unique_ptr<Engine> engine,
                const AudioLimits& limits, BatchingOptions batching);

  absl::StatusOr<std::vector<float>> Listen(absl::string_view file) override;
  absl::StatusOr<Transcript> Transcribe(absl::Span<const float> samples,
                                        const TranscribeOptions& options,
                                        TranscribeObserver* observer) override;

 private:
  const std::unique_ptr<Model> model_;
  const AudioLimits limits_;
  BatchingEngine engine_;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_WHISPER_SPEECH_H_
