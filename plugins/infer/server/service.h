// The requests that the server answers: OpenAI's interface for audio, and what people who run a
// server need.
//
//     POST /v1/audio/transcriptions   POST /v1/audio/translations   POST /inference
//     GET /v1/models   GET /v1/models/NAME   GET /health   GET /metrics

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_SERVICE_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_SERVICE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/server/form.h"
#include "plugins/infer/server/http.h"
#include "plugins/infer/server/metrics.h"
#include "plugins/infer/server/speech.h"

namespace rules_inference::infer {

struct ServiceOptions {
  // Names under which clients may ask for the model.
  std::vector<std::string> models = {"whisper-1"};
  // When the model was made, in seconds since 1970, for lists of models.
  int64_t created = 0;
  // All but /health ask for it ("Authorization: Bearer KEY") unless it is empty.
  std::string api_key;
  // What a request does not say.
  TranscribeOptions transcribe;
  // Whether a result that is not good enough is tried again at higher temperatures.
  bool fallback = true;
  FormLimits form;
  // For messages only; who reads bodies has the limit.
  size_t max_body = 0;
  // A request that is over. By the thread of connections. May be empty.
  std::function<void(const HttpRecord&)> log;
  // What people who run the server should know, one line each. May be empty.
  std::function<void(absl::string_view)> complain;
};

class Service final : public HttpHandler {
 public:
  explicit Service(ServiceOptions options);

  // Until then, and after Stopping, /health and requests for speech get 503.
  void Ready(std::shared_ptr<Speech> speech);
  void Stopping();

  Metrics& metrics() { return metrics_; }

  std::optional<HttpAnswer> Check(const HttpHead& head) override;
  bool IsQuick(const HttpHead& head) override;
  void Handle(HttpExchange& exchange) override;
  HttpAnswer Refuse(HttpRefusal refusal) override;
  void OnEnd(const HttpRecord& record) override;

 private:
  std::shared_ptr<Speech> speech() const;
  bool HasModel(absl::string_view name) const;
  HttpAnswer Get(const HttpExchange& exchange) const;
  void HandleSpeech(HttpExchange& exchange);
  void Fail(HttpExchange& exchange, absl::string_view reason, HttpAnswer answer);

  const ServiceOptions options_;
  Metrics metrics_;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::shared_ptr<Speech> speech_;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_SERVICE_H_
