#include "plugins/infer/server/service.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/server/answers.h"
#include "plugins/infer/server/form.h"
#include "plugins/infer/server/http.h"
#include "plugins/infer/server/speech.h"
#include "plugins/infer/server/speech_request.h"

namespace rules_inference::infer {
namespace {

constexpr double kSampleRate = 16000;
constexpr absl::string_view kModels = "/v1/models";
constexpr absl::string_view kOneModel = "/v1/models/";

struct Route {
  absl::string_view method;
  absl::string_view path;
  SpeechTask task = SpeechTask::kTranscribe;
  SpeechDialect dialect = SpeechDialect::kOpenAi;
};

constexpr std::array<Route, 6> kRoutes = {{
    {"POST", "/v1/audio/transcriptions"},
    {"POST", "/v1/audio/translations", SpeechTask::kTranslate},
    {"POST", "/inference", SpeechTask::kTranscribe, SpeechDialect::kWhisperCpp},
    {"GET", kModels},
    {"GET", "/health"},
    {"GET", "/metrics"},
}};
constexpr Route kModelRoute = {"GET", kOneModel};

// Null when there is none.
const Route* FindRoute(absl::string_view path) {
  for (const Route& route : kRoutes) {
    if (route.path == path) return &route;
  }
  return absl::StartsWith(path, kOneModel) && path.size() > kOneModel.size() ? &kModelRoute
                                                                             : nullptr;
}

bool HasMethod(const Route& route, absl::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

// Takes the same time wherever the texts differ.
bool SameSecret(absl::string_view a, absl::string_view b) {
  size_t difference = a.size() ^ b.size();
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ size_t { static_cast<unsigned char>(b[i]) };
  }
  return difference == 0;
}

// openai/whisper's ladder from the temperature that was asked for.
std::vector<float> Temperatures(float first) {
  std::vector<float> ladder;
  for (int step = 0; ladder.empty() || first + 0.2F * static_cast<float>(step) < 1.0001F; ++step) {
    ladder.push_back(first + 0.2F * static_cast<float>(step));
  }
  return ladder;
}

ApiError Unavailable(absl::string_view message, absl::string_view code) {
  return {.status = 503,
          .message = std::string(message),
          .type = "server_error",
          .code = std::string(code)};
}

HttpAnswer WithRetry(HttpAnswer answer, int seconds) {
  answer.headers.emplace_back("Retry-After", absl::StrCat(seconds));
  return answer;
}

// Passes segments on to a client that wants them as they come, and its absence to who transcribes.
class Progress final : public TranscribeObserver {
 public:
  Progress(HttpExchange& exchange, bool streams) : exchange_(exchange), streams_(streams) {}

  void OnSegment(const Segment& segment) override {
    if (!streams_) return;
    absl::string_view text = segment.text;
    if (!begun_) text = absl::StripLeadingAsciiWhitespace(text);
    if (text.empty()) return;
    text_.append(text);
    Event(DeltaEvent(text));
  }
  bool Cancelled() override { return exchange_.Cancelled(); }

  bool begun() const { return begun_; }

  void Event(std::string event) {
    if (std::exchange(begun_, true)) {
      exchange_.Write(std::move(event));
    } else {
      exchange_.Begin({.content_type = "text/event-stream",
                       .body = std::move(event),
                       .headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}}});
    }
  }
  // What all deltas make together.
  const std::string& text() const { return text_; }

 private:
  HttpExchange& exchange_;
  const bool streams_;
  bool begun_ = false;
  std::string text_;
};

}  // namespace

Service::Service(ServiceOptions options) : options_(std::move(options)) {}

void Service::Ready(std::shared_ptr<Speech> speech) {
  const std::lock_guard<std::mutex> lock(mutex_);
  speech_ = std::move(speech);
}

void Service::Stopping() { stopping_ = true; }

std::shared_ptr<Speech> Service::speech() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return speech_;
}

bool Service::HasModel(absl::string_view name) const {
  return absl::c_linear_search(options_.models, name);
}

std::optional<HttpAnswer> Service::Check(const HttpHead& head) {
  const Route* route = FindRoute(head.path);
  if (route == nullptr || !HasMethod(*route, head.method)) {
    HttpAnswer answer = ErrorAnswer(
        {.status = route == nullptr ? 404 : 405,
         .message = absl::StrCat("Invalid URL (", head.method, " ", base::Quoted(head.path), ")")});
    if (route != nullptr) answer.headers.emplace_back("Allow", std::string(route->method));
    return answer;
  }
  if (!options_.api_key.empty() && head.path != "/health") {
    absl::string_view key = head.Header("Authorization");
    const bool bearer = absl::ConsumePrefix(&key, "Bearer ");
    if (!bearer || !SameSecret(key, options_.api_key)) {
      HttpAnswer answer = ErrorAnswer(
          {.status = 401,
           .message = bearer ? "Incorrect API key provided."
                             : "You didn't provide an API key. You need to provide it in an "
                               "Authorization header using Bearer auth.",
           .code = "invalid_api_key"});
      answer.headers.emplace_back("WWW-Authenticate", "Bearer");
      return answer;
    }
  }
  if (route->method == "GET") return std::nullopt;
  if (stopping_) return Refuse(HttpRefusal::kStopping);
  if (speech() == nullptr) {
    return WithRetry(ErrorAnswer(Unavailable("The model is still loading.", "loading")), 1);
  }
  if (!absl::StartsWithIgnoreCase(head.Header("Content-Type"), "multipart/form-data")) {
    return ErrorAnswer(
        {.message = absl::StrCat("Content-Type: got ", base::Quoted(head.Header("Content-Type")),
                                 ", expected multipart/form-data")});
  }
  return std::nullopt;
}

bool Service::IsQuick(const HttpHead& head) {
  const Route* route = FindRoute(head.path);
  return route == nullptr || route->method == "GET";
}

void Service::Handle(HttpExchange& exchange) {
  if (IsQuick(exchange.head())) {
    exchange.Send(Get(exchange));
  } else {
    HandleSpeech(exchange);
  }
}

HttpAnswer Service::Get(const HttpExchange& exchange) const {
  const std::string& path = exchange.head().path;
  const bool ready = !stopping_ && speech() != nullptr;
  if (path == "/health") {
    if (ready) return {.body = "{\"status\":\"ok\"}\n"};
    return {.status = 503,
            .body = stopping_ ? "{\"status\":\"shutting down\"}\n"
                              : "{\"status\":\"loading model\"}\n"};
  }
  if (path == "/metrics") {
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = metrics_.Text(exchange.load(), ready)};
  }
  if (path == kModels) return {.body = ModelListJson(options_.models, options_.created)};
  const absl::string_view name = absl::string_view(path).substr(kOneModel.size());
  if (HasModel(name)) return {.body = ModelJson(name, options_.created)};
  return ErrorAnswer({.status = 404,
                      .message = absl::StrCat("The model ", base::Quoted(name), " does not exist"),
                      .param = "model",
                      .code = "model_not_found"});
}

void Service::Fail(HttpExchange& exchange, absl::string_view reason, HttpAnswer answer) {
  metrics_.OnFailure(reason);
  exchange.Send(std::move(answer));
}

void Service::HandleSpeech(HttpExchange& exchange) {
  const std::shared_ptr<Speech> speech = this->speech();
  const Route* route = FindRoute(exchange.head().path);
  if (speech == nullptr || route == nullptr) return;  // Check has refused it.
  const auto fields =
      ParseForm(exchange.head().Header("Content-Type"), exchange.body(), options_.form);
  if (!fields.ok()) {
    return Fail(exchange, "request",
                ErrorAnswer({.message = std::string(fields.status().message())}));
  }
  auto parsed = ParseSpeechRequest(*fields, route->task, route->dialect);
  if (auto* bad = std::get_if<BadField>(&parsed)) {
    return Fail(exchange, "request",
                ErrorAnswer({.message = std::move(bad->message),
                             .param = std::move(bad->param),
                             .code = std::move(bad->code)}));
  }
  auto& request = std::get<SpeechRequest>(parsed);
  if (route->dialect == SpeechDialect::kOpenAi && !HasModel(request.model)) {
    return Fail(exchange, "request",
                ErrorAnswer({.status = 404,
                             .message = absl::StrCat("The model ", base::Quoted(request.model),
                                                     " does not exist"),
                             .param = "model",
                             .code = "model_not_found"}));
  }
  absl::StatusOr<std::vector<float>> samples = speech->Listen(request.file);
  request.file = {};
  exchange.DropBody();
  if (!samples.ok()) {
    return Fail(exchange, "audio",
                ErrorAnswer({.status = absl::IsResourceExhausted(samples.status()) ? 413 : 400,
                             .message = absl::StrCat("The audio file could not be decoded: ",
                                                     samples.status().message()),
                             .param = "file",
                             .code = "invalid_file"}));
  }
  TranscribeOptions options = options_.transcribe;
  options.language = request.language;
  options.translate = request.task == SpeechTask::kTranslate;
  options.initial_prompt = request.prompt;
  options.word_timestamps = request.words;
  options.temperatures = options_.fallback ? Temperatures(request.temperature)
                                           : std::vector<float>{request.temperature};
  Progress progress(exchange, request.stream);
  const auto start = std::chrono::steady_clock::now();
  const absl::StatusOr<Transcript> transcript = speech->Transcribe(*samples, options, &progress);
  if (!transcript.ok()) {
    const absl::Status& status = transcript.status();
    const bool gone = exchange.Cancelled();
    const bool bad = absl::IsInvalidArgument(status);
    metrics_.OnFailure(gone ? "cancelled" : bad ? "request" : "transcription");
    if (!gone && !bad && options_.complain) {
      options_.complain(absl::StrCat("transcription failed: ", status.message()));
    }
    ApiError error{.status = bad                                 ? 400
                             : absl::IsResourceExhausted(status) ? 503
                                                                 : 500,
                   .message = std::string(status.message())};
    if (!bad) error.type = "server_error";
    if (progress.begun()) {
      progress.Event(ErrorEvent(error));
      exchange.End();
    } else {
      exchange.Send(ErrorAnswer(error));
    }
    return;
  }
  metrics_.OnTranscribed(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  metrics_.OnAudio(static_cast<double>(samples->size()) / kSampleRate);
  if (request.stream) {
    progress.Event(DoneEvent(progress.text(), transcript->duration));
    exchange.End();
  } else {
    exchange.Send(TranscriptAnswer(*transcript, request));
  }
}

HttpAnswer Service::Refuse(HttpRefusal refusal) {
  switch (refusal) {
    case HttpRefusal::kTooLarge:
      metrics_.OnFailure("too_large");
      return ErrorAnswer(
          {.status = 413,
           .message = absl::StrCat("Maximum content size limit (", options_.max_body, ") exceeded"),
           .param = "file",
           .code = "request_too_large"});
    case HttpRefusal::kBusy:
      metrics_.OnFailure("busy");
      return WithRetry(ErrorAnswer({.status = 429,
                                    .message = "Too many requests are waiting. Try again later.",
                                    .type = "requests",
                                    .code = "rate_limit_exceeded"}),
                       static_cast<int>(std::clamp(std::ceil(metrics_.MeanSeconds()), 1.0, 60.0)));
    case HttpRefusal::kNoMemory:
      metrics_.OnFailure("no_memory");
      return WithRetry(
          ErrorAnswer(Unavailable("Other uploads hold all the memory for them. Try again later.",
                                  "overloaded")),
          static_cast<int>(std::clamp(std::ceil(metrics_.MeanSeconds()), 1.0, 60.0)));
    case HttpRefusal::kTimeout:
      metrics_.OnFailure("timeout");
      return ErrorAnswer({.status = 504,
                          .message = "The request took longer than this server allows.",
                          .type = "server_error",
                          .code = "timeout"});
    case HttpRefusal::kStopping:
      metrics_.OnFailure("stopping");
      return WithRetry(ErrorAnswer(Unavailable("The server is shutting down.", "shutting_down")),
                       5);
  }
  return {.status = 500};
}

void Service::OnEnd(const HttpRecord& record) {
  const Route* route = FindRoute(record.head.path);
  metrics_.OnRequest(route == nullptr ? "other" : route->path, record.status, record.seconds);
  if (options_.log) options_.log(record);
}

}  // namespace rules_inference::infer
