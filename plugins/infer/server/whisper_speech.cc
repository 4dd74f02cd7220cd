#include "plugins/infer/server/whisper_speech.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/audio/audio.h"
#include "plugins/infer/batching_engine.h"
#include "plugins/infer/cancellable_engine.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"

namespace rules_inference::infer {

WhisperSpeech::WhisperSpeech(std::unique_ptr<Model> model, std::unique_ptr<Engine> engine,
                             const AudioLimits& limits, BatchingOptions batching)
    : model_(std::move(model)), limits_(limits), engine_(std::move(engine), std::move(batching)) {}

absl::StatusOr<std::vector<float>> WhisperSpeech::Listen(absl::string_view file) {
  return DecodeAudio(file, "file", limits_);
}

absl::StatusOr<Transcript> WhisperSpeech::Transcribe(absl::Span<const float> samples,
                                                     const TranscribeOptions& options,
                                                     TranscribeObserver* observer) {
  if (observer == nullptr) return infer::Transcribe(engine_, *model_, samples, options, nullptr);
  CancellableEngine engine(engine_, [observer] { return observer->Cancelled(); });
  return infer::Transcribe(engine, *model_, samples, options, observer);
}

}  // namespace rules_inference::infer
