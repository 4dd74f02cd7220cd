// Bodies of answers, as OpenAI's interface for audio has them.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_ANSWERS_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_ANSWERS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/server/http.h"
#include "plugins/infer/server/speech_request.h"

namespace rules_inference::infer {

// {"error":{"message":...,"type":...,"param":...,"code":...}}; null where empty.
struct ApiError {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::string param;
  std::string code;
};
std::string ErrorJson(const ApiError& error);
HttpAnswer ErrorAnswer(const ApiError& error);

HttpAnswer TranscriptAnswer(const Transcript& transcript, const SpeechRequest& request);

// Events of a stream, each with the empty line behind it.
std::string DeltaEvent(absl::string_view text);
std::string DoneEvent(absl::string_view text, double duration);
std::string ErrorEvent(const ApiError& error);

// {"object":"list","data":[...]}, and one entry of it.
std::string ModelListJson(absl::Span<const std::string> models, int64_t created);
std::string ModelJson(absl::string_view model, int64_t created);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_ANSWERS_H_
