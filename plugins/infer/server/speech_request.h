// What a client asks for, out of the fields of its form.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_SPEECH_REQUEST_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_SPEECH_REQUEST_H_

#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/server/form.h"

namespace rules_inference::infer {

enum class SpeechTask { kTranscribe, kTranslate };
enum class SpeechFormat { kJson, kText, kSrt, kVerboseJson, kVtt };

// Whose manners to follow: OpenAI's clients get an error for a field that does not exist and have
// to name a model; those of whisper.cpp's server have more fields, which are ignored, and no model.
enum class SpeechDialect { kOpenAi, kWhisperCpp };

struct SpeechRequest {
  SpeechTask task = SpeechTask::kTranscribe;
  // Points into the body.
  absl::string_view file;
  std::string model;
  // Position in Languages().
  std::optional<int> language;
  std::string prompt;
  SpeechFormat format = SpeechFormat::kJson;
  float temperature = 0;
  bool words = false;
  bool segments = true;
  bool stream = false;
};

// A field that is wrong: for ApiError.
struct BadField {
  std::string message;
  std::string param;
  std::string code;
};

std::variant<SpeechRequest, BadField> ParseSpeechRequest(absl::Span<const FormField> fields,
                                                         SpeechTask task, SpeechDialect dialect);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_SPEECH_REQUEST_H_
