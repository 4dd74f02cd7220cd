#include "plugins/infer/server/service.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/server/http.h"
#include "plugins/infer/server/speech.h"

namespace rules_inference::infer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Remembers what it was asked; a file "bad" is none, "stuck" cannot be transcribed.
class ScriptedSpeech final : public Speech {
 public:
  absl::StatusOr<std::vector<float>> Listen(absl::string_view file) override {
    if (file == "bad") return absl::InvalidArgumentError("audio: got 'bad', expected a sound");
    stuck_ = file == "stuck";
    return std::vector<float>(24000);
  }
  absl::StatusOr<Transcript> Transcribe(absl::Span<const float> samples,
                                        const TranscribeOptions& given,
                                        TranscribeObserver* observer) override {
    options = given;
    if (stuck_) return absl::InternalError("engine: on fire");
    Transcript transcript{.duration = static_cast<double>(samples.size()) / 16000,
                          .text = " Hello --> \"you\". Bye."};
    transcript.segments = {{.id = 0,
                            .start = 0,
                            .end = 1.25,
                            .text = " Hello --> \"you\".",
                            .tokens = {7, 8},
                            .avg_log_probability = -0.5F,
                            .compression_ratio = 1.5F,
                            .no_speech_probability = 0.25F,
                            .words = {{.text = " Hello", .start = 0, .end = 0.5}}},
                           {.id = 1, .start = 1.25, .end = 3661.5, .text = " Bye."}};
    for (const Segment& segment : transcript.segments) observer->OnSegment(segment);
    if (observer->Cancelled()) return absl::CancelledError("cancelled");
    return transcript;
  }

  TranscribeOptions options;

 private:
  bool stuck_ = false;
};

class TestExchange final : public HttpExchange {
 public:
  TestExchange(HttpHead head, std::string body) : head_(std::move(head)), body_(std::move(body)) {}
  const HttpHead& head() const override { return head_; }
  absl::string_view body() const override { return body_; }
  void DropBody() override { body_ = std::string(body_.size(), '?'); }
  void Send(HttpAnswer given) override {
    answer = std::move(given);
    ++answers;
  }
  void Begin(HttpAnswer given) override { Send(std::move(given)); }
  void Write(std::string part) override { answer.body += part; }
  void End() override { ended = true; }
  bool Cancelled() const override { return cancelled; }
  HttpLoad load() const override { return {.connections = 3, .body_bytes = 99}; }

  HttpAnswer answer;
  int answers = 0;
  bool ended = false;
  bool cancelled = false;

 private:
  const HttpHead head_;
  std::string body_;
};

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string Form(const Fields& fields) {
  std::string body;
  for (const auto& [name, value] : fields) {
    absl::StrAppend(&body, "--X\r\nContent-Disposition: form-data; name=\"", name, "\"",
                    name == "file" ? "; filename=\"a.wav\"" : "", "\r\n\r\n", value, "\r\n");
  }
  return body + "--X--\r\n";
}

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() { service_.Ready(speech_); }

  // What Check and Handle make of it.
  HttpAnswer Ask(HttpHead head, std::string body = "") {
    if (auto refused = service_.Check(head); refused.has_value()) return *refused;
    TestExchange exchange(std::move(head), std::move(body));
    exchange.cancelled = cancelled_;
    service_.Handle(exchange);
    EXPECT_EQ(exchange.answers, 1);
    return exchange.answer;
  }
  HttpAnswer Get(absl::string_view path) {
    return Ask({.method = "GET", .path = std::string(path)});
  }
  HttpAnswer Post(absl::string_view path, const Fields& fields) {
    return Ask({.method = "POST",
                .path = std::string(path),
                .headers = {{"content-type", "multipart/form-data; boundary=X"}}},
               Form(fields));
  }
  HttpAnswer Transcribe(Fields more = {}) {
    more.insert(more.begin(), {{"file", "sound"}, {"model", "whisper-1"}});
    return Post("/v1/audio/transcriptions", more);
  }

  bool cancelled_ = false;
  std::shared_ptr<ScriptedSpeech> speech_ = std::make_shared<ScriptedSpeech>();
  std::vector<std::string> log_;
  Service service_{{.models = {"whisper-1", "base"},
                    .created = 12,
                    .max_body = 1000,
                    .log = [this](const HttpRecord& r) { log_.push_back(r.head.path); },
                    .complain = [this](absl::string_view line) { log_.emplace_back(line); }}};
};

TEST_F(ServiceTest, Json) {
  const HttpAnswer answer = Transcribe();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.body,
            "{\"text\":\"Hello --> \\\"you\\\". Bye.\",\"usage\":{\"type\":\"duration\","
            "\"seconds\":2}}\n");
}

TEST_F(ServiceTest, Text) {
  const HttpAnswer answer = Transcribe({{"response_format", "text"}});
  EXPECT_EQ(answer.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(answer.body, "Hello --> \"you\". Bye.\n");
}

TEST_F(ServiceTest, Srt) {
  const HttpAnswer answer = Transcribe({{"response_format", "srt"}});
  EXPECT_THAT(answer.body, HasSubstr("1\n00:00:00,000 --> 00:00:01,250\nHello "));
  EXPECT_THAT(answer.body, HasSubstr("2\n00:00:01,250 --> 01:01:01,500\nBye.\n"));
}

TEST_F(ServiceTest, Vtt) {
  const HttpAnswer answer = Transcribe({{"response_format", "vtt"}});
  EXPECT_EQ(answer.content_type, "text/vtt; charset=utf-8");
  EXPECT_THAT(answer.body, HasSubstr("WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nHello "));
}

TEST_F(ServiceTest, VerboseJson) {
  EXPECT_EQ(Transcribe({{"response_format", "verbose_json"}}).body,
            "{\"task\":\"transcribe\",\"language\":\"english\",\"duration\":1.5,"
            "\"text\":\"Hello --> \\\"you\\\". Bye.\",\"segments\":["
            "{\"id\":0,\"seek\":0,\"start\":0.0,\"end\":1.25,\"text\":\" Hello --> \\\"you\\\".\","
            "\"tokens\":[7,8],\"temperature\":0.0,\"avg_logprob\":-0.5,\"compression_ratio\":1.5,"
            "\"no_speech_prob\":0.25},"
            "{\"id\":1,\"seek\":0,\"start\":1.25,\"end\":3661.5,\"text\":\" Bye.\",\"tokens\":[],"
            "\"temperature\":0.0,\"avg_logprob\":0.0,\"compression_ratio\":0.0,"
            "\"no_speech_prob\":0.0}],"
            "\"usage\":{\"type\":\"duration\",\"seconds\":2}}\n");
  EXPECT_FALSE(speech_->options.word_timestamps);
}

TEST_F(ServiceTest, Words) {
  const HttpAnswer answer =
      Transcribe({{"response_format", "verbose_json"}, {"timestamp_granularities[]", "word"}});
  EXPECT_THAT(answer.body, HasSubstr("\"words\":[{\"word\":\"Hello\",\"start\":0.0,\"end\":0.5}]"));
  EXPECT_FALSE(absl::StrContains(answer.body, "segments"));
  EXPECT_TRUE(speech_->options.word_timestamps);
}

TEST_F(ServiceTest, WordsAndSegments) {
  const HttpAnswer answer = Transcribe({{"response_format", "verbose_json"},
                                        {"timestamp_granularities[]", "segment"},
                                        {"timestamp_granularities[]", "word"}});
  EXPECT_THAT(answer.body, HasSubstr("\"words\":"));
  EXPECT_THAT(answer.body, HasSubstr("\"segments\":"));
}

TEST_F(ServiceTest, Stream) {
  const HttpAnswer answer = Transcribe({{"stream", "true"}});
  EXPECT_EQ(answer.content_type, "text/event-stream");
  EXPECT_EQ(answer.body,
            "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Hello --> \\\"you\\\".\"}\n\n"
            "data: {\"type\":\"transcript.text.delta\",\"delta\":\" Bye.\"}\n\n"
            "data: {\"type\":\"transcript.text.done\",\"text\":\"Hello --> \\\"you\\\". Bye.\","
            "\"usage\":{\"type\":\"duration\",\"seconds\":2}}\n\n");
}

TEST_F(ServiceTest, AStreamThatFailsInTheMiddle) {
  cancelled_ = true;
  EXPECT_THAT(Transcribe({{"stream", "true"}}).body,
              HasSubstr("data: {\"type\":\"error\",\"error\":{\"message\":\"cancelled\""));
}

TEST_F(ServiceTest, WhatIsAskedForReachesTheModel) {
  EXPECT_EQ(Transcribe({{"language", "de"}, {"prompt", "Bazel"}, {"temperature", "0.4"}}).status,
            200);
  EXPECT_EQ(speech_->options.language, 2);
  EXPECT_EQ(speech_->options.initial_prompt, "Bazel");
  EXPECT_THAT(speech_->options.temperatures,
              ElementsAre(testing::FloatEq(0.4F), testing::FloatEq(0.6F), testing::FloatEq(0.8F),
                          testing::FloatEq(1.0F)));
  EXPECT_FALSE(speech_->options.translate);
}

TEST_F(ServiceTest, WithoutATemperatureThereIsTheWholeLadder) {
  EXPECT_EQ(Transcribe().status, 200);
  EXPECT_EQ(speech_->options.temperatures.size(), 6);
  EXPECT_EQ(speech_->options.language, std::nullopt);
}

TEST_F(ServiceTest, Translations) {
  const HttpAnswer answer =
      Post("/v1/audio/translations",
           {{"file", "sound"}, {"model", "base"}, {"response_format", "verbose_json"}});
  EXPECT_THAT(answer.body, HasSubstr("\"task\":\"translate\""));
  EXPECT_TRUE(speech_->options.translate);
}

TEST_F(ServiceTest, InferenceTakesFieldsThatItDoesNotKnow) {
  const HttpAnswer answer = Post(
      "/inference",
      {{"file", "sound"}, {"temperature_inc", "0.2"}, {"language", "auto"}, {"translate", "true"}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(speech_->options.translate);
}

struct ErrorCase {
  Fields fields;
  int status;
  std::string body;
};

TEST_F(ServiceTest, Errors) {
  const Fields good = {{"file", "sound"}, {"model", "whisper-1"}};
  const std::vector<ErrorCase> cases = {
      {{{"file", "x"}},
       400,
       "{\"error\":{\"message\":\"Missing required parameter: 'model'\",\"type\":"
       "\"invalid_request_error\",\"param\":\"model\",\"code\":\"missing_required_parameter\"}}\n"},
      {{{"model", "whisper-1"}},
       400,
       "{\"error\":{\"message\":\"Missing required parameter: 'file'\",\"type\":"
       "\"invalid_request_error\",\"param\":\"file\",\"code\":\"missing_required_parameter\"}}\n"},
      {{{"file", "x"}, {"model", "gpt"}},
       404,
       "{\"error\":{\"message\":\"The model 'gpt' does not exist\",\"type\":"
       "\"invalid_request_error\",\"param\":\"model\",\"code\":\"model_not_found\"}}\n"},
      {{{"file", "bad"}, {"model", "base"}},
       400,
       "{\"error\":{\"message\":\"The audio file could not be decoded: audio: got 'bad', expected "
       "a sound\",\"type\":\"invalid_request_error\",\"param\":\"file\",\"code\":\"invalid_file\"}}"
       "\n"},
      {{{"file", "stuck"}, {"model", "base"}},
       500,
       "{\"error\":{\"message\":\"engine: on fire\",\"type\":\"server_error\",\"param\":null,"
       "\"code\":null}}\n"},
      {{{"file", "x"}, {"model", "base"}, {"colour", "red"}},
       400,
       "{\"error\":{\"message\":\"Unrecognized request argument supplied: colour\",\"type\":"
       "\"invalid_request_error\",\"param\":null,\"code\":null}}\n"},
      {{{"file", "x"}, {"model", "base"}, {"model", "base"}},
       400,
       "{\"error\":{\"message\":\"Duplicate field: 'model'\",\"type\":\"invalid_request_error\","
       "\"param\":null,\"code\":\"duplicate_field\"}}\n"},
      {{{"file", "x"}, {"model", "base"}, {"language", "klingon"}},
       400,
       "{\"error\":{\"message\":\"Invalid value for language: got 'klingon', expected a language "
       "as in ISO 639-1, such as en\",\"type\":\"invalid_request_error\",\"param\":\"language\","
       "\"code\":\"invalid_value\"}}\n"},
  };
  for (const ErrorCase& each : cases) {
    const HttpAnswer answer = Post("/v1/audio/transcriptions", each.fields);
    EXPECT_EQ(answer.status, each.status);
    EXPECT_EQ(answer.body, each.body);
  }
  EXPECT_THAT(log_, ElementsAre("transcription failed: engine: on fire"));
}

TEST_F(ServiceTest, BadValues) {
  for (const auto& [name, value] : Fields{{"response_format", "xml"},
                                          {"temperature", "hot"},
                                          {"temperature", "1.5"},
                                          {"temperature", "nan"},
                                          {"stream", "maybe"},
                                          {"timestamp_granularities[]", "letter"},
                                          {"timestamp_granularities[]", "word"},
                                          {"chunking_strategy", "{\"type\":\"server_vad\"}"},
                                          {"include[]", "logprobs"},
                                          {"prompt", "\xff"}}) {
    const HttpAnswer answer = Transcribe({{name, value}});
    EXPECT_EQ(answer.status, 400) << name << "=" << value;
    EXPECT_THAT(answer.body, HasSubstr("\"code\":\"invalid_value\"")) << name << "=" << value;
  }
}

TEST_F(ServiceTest, StreamsHaveNoSubtitles) {
  EXPECT_THAT(Transcribe({{"stream", "true"}, {"response_format", "srt"}}).body,
              HasSubstr("stream needs response_format json or text"));
}

TEST_F(ServiceTest, NoForm) {
  EXPECT_THAT(Ask({.method = "POST",
                   .path = "/v1/audio/transcriptions",
                   .headers = {{"Content-Type", "application/json"}}},
                  "{}")
                  .body,
              HasSubstr("Content-Type: got 'application/json', expected multipart/form-data"));
  EXPECT_THAT(Ask({.method = "POST",
                   .path = "/v1/audio/transcriptions",
                   .headers = {{"Content-Type", "multipart/form-data; boundary=X"}}},
                  "--Y--")
                  .body,
              HasSubstr("form: byte 0: got '--Y', expected the boundary '--X'"));
}

TEST_F(ServiceTest, UnknownPathsAndMethods) {
  EXPECT_EQ(Get("/nothing").status, 404);
  EXPECT_EQ(Get("/v1/audio/transcriptions").status, 405);
  EXPECT_THAT(Get("/v1/audio/transcriptions").headers, ElementsAre(testing::Pair("Allow", "POST")));
  EXPECT_EQ(Ask({.method = "DELETE", .path = "/v1/models"}).status, 405);
  EXPECT_EQ(Ask({.method = "HEAD", .path = "/health"}).status, 200);
}

TEST_F(ServiceTest, Models) {
  EXPECT_EQ(Get("/v1/models").body,
            "{\"object\":\"list\",\"data\":[{\"id\":\"whisper-1\",\"object\":\"model\","
            "\"created\":12,\"owned_by\":\"local\"},{\"id\":\"base\",\"object\":\"model\","
            "\"created\":12,\"owned_by\":\"local\"}]}\n");
  EXPECT_EQ(Get("/v1/models/base").status, 200);
  EXPECT_EQ(Get("/v1/models/large").status, 404);
}

TEST_F(ServiceTest, HealthWhileLoadingAndStopping) {
  Service service({});
  TestExchange exchange({.method = "GET", .path = "/health"}, "");
  service.Handle(exchange);
  EXPECT_EQ(exchange.answer.status, 503);
  EXPECT_EQ(exchange.answer.body, "{\"status\":\"loading model\"}\n");
  const auto refused = service.Check({.method = "POST", .path = "/inference"});
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->status, 503);
  EXPECT_THAT(refused->body, HasSubstr("The model is still loading."));
  EXPECT_THAT(refused->headers, ElementsAre(testing::Pair("Retry-After", "1")));

  EXPECT_EQ(Get("/health").body, "{\"status\":\"ok\"}\n");
  service_.Stopping();
  EXPECT_EQ(Get("/health").body, "{\"status\":\"shutting down\"}\n");
  EXPECT_EQ(Transcribe().status, 503);
}

TEST_F(ServiceTest, Keys) {
  Service service({.api_key = "secret"});
  service.Ready(speech_);
  const auto status = [&](absl::string_view path, const HttpHeaders& headers) {
    const auto refused =
        service.Check({.method = "GET", .path = std::string(path), .headers = headers});
    return refused.has_value() ? refused->status : 0;
  };
  EXPECT_EQ(status("/health", {}), 0);
  EXPECT_EQ(status("/v1/models", {}), 401);
  EXPECT_EQ(status("/metrics", {}), 401);
  EXPECT_EQ(status("/v1/models", {{"authorization", "Bearer secret"}}), 0);
  for (const absl::string_view wrong : {"Bearer secre", "Bearer secrets", "Bearer secretsecret",
                                        "Bearer ", "Bearer", "secret", "Basic secret"}) {
    EXPECT_EQ(status("/v1/models", {{"Authorization", std::string(wrong)}}), 401) << wrong;
  }
}

TEST_F(ServiceTest, Refusals) {
  EXPECT_THAT(service_.Refuse(HttpRefusal::kTooLarge).body,
              HasSubstr("Maximum content size limit (1000) exceeded"));
  const HttpAnswer busy = service_.Refuse(HttpRefusal::kBusy);
  EXPECT_EQ(busy.status, 429);
  EXPECT_THAT(busy.headers, ElementsAre(testing::Pair("Retry-After", "1")));
  EXPECT_EQ(service_.Refuse(HttpRefusal::kNoMemory).status, 503);
  EXPECT_EQ(service_.Refuse(HttpRefusal::kTimeout).status, 504);
  EXPECT_EQ(service_.Refuse(HttpRefusal::kStopping).status, 503);
}

TEST_F(ServiceTest, Metrics) {
  EXPECT_EQ(Transcribe().status, 200);
  EXPECT_EQ(Transcribe({{"stream", "x"}}).status, 400);
  service_.OnEnd({.head = {.path = "/inference"}, .status = 200, .seconds = 0.3});
  service_.OnEnd({.head = {.path = "/wp-admin"}, .status = 404, .seconds = 0.001});
  service_.metrics().OnBatch({.kind = BatchKind::kEncode, .callers = 2, .size = 3, .seconds = 0.5});
  const std::string text = Get("/metrics").body;
  for (const absl::string_view line :
       {"infer_ready 1\n", "infer_connections 3\n", "infer_body_bytes 99\n",
        "infer_requests_total{path=\"/inference\",status=\"200\"} 1\n",
        "infer_requests_total{path=\"other\",status=\"404\"} 1\n",
        "infer_request_seconds_bucket{path=\"/inference\",le=\"0.25\"} 0\n",
        "infer_request_seconds_bucket{path=\"/inference\",le=\"0.5\"} 1\n",
        "infer_request_seconds_count{path=\"/inference\"} 1\n", "infer_audio_seconds_total 1.5\n",
        "infer_transcriptions_total 1\n", "infer_failures_total{reason=\"request\"} 1\n",
        "infer_batch_size_bucket{kind=\"encode\",le=\"2\"} 0\n",
        "infer_batch_size_bucket{kind=\"encode\",le=\"4\"} 1\n",
        "infer_batch_seconds_total{kind=\"encode\"} 0.5\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(log_, ElementsAre("/inference", "/wp-admin"));
}

TEST_F(ServiceTest, MetricsSayWhoIsInTheGreedyBatch) {
  service_.metrics().OnBatch({.kind = BatchKind::kDecodeGreedy,
                              .callers = 1,
                              .size = 5,
                              .seconds = 0.25,
                              .joined = 2,
                              .cancelled = 1,
                              .running = 4,
                              .waiting = 3});
  const std::string text = Get("/metrics").body;
  for (const absl::string_view line :
       {"infer_sequences_running 4\n", "infer_sequences_waiting 3\n",
        "infer_sequences_joined_total 2\n", "infer_sequences_cancelled_total 1\n",
        "infer_batch_size_bucket{kind=\"decode_greedy\",le=\"8\"} 1\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(ServiceTest, ATurnInWhichSequencesOnlyLeaveIsNoBatch) {
  service_.metrics().OnBatch({.kind = BatchKind::kDecodeGreedy, .cancelled = 1});
  const std::string text = Get("/metrics").body;
  EXPECT_THAT(text, HasSubstr("infer_sequences_running 0\n"));
  EXPECT_THAT(text, HasSubstr("infer_sequences_cancelled_total 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("decode_greedy")));
}

}  // namespace
}  // namespace rules_inference::infer
