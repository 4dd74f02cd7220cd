#include "plugins/infer/server/answers.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/output/json_writer.h"
#include "plugins/infer/output/output.h"
#include "plugins/infer/server/http.h"
#include "plugins/infer/server/speech_request.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

using Layout = JsonWriter::Layout;

void AddString(JsonWriter& json, absl::string_view key, absl::string_view value) {
  json.Key(key);
  value.empty() ? json.Null() : json.String(value);
}

void AddError(JsonWriter& json, const ApiError& error) {
  json.Key("error").Object().Key("message").String(error.message).Key("type").String(error.type);
  AddString(json, "param", error.param);
  AddString(json, "code", error.code);
  json.End();
}

void AddUsage(JsonWriter& json, double duration) {
  json.Key("usage").Object().Key("type").String("duration");
  json.Key("seconds").Integer(static_cast<int64_t>(std::ceil(duration))).End();
}

void AddModel(JsonWriter& json, absl::string_view model, int64_t created) {
  json.Object().Key("id").String(model).Key("object").String("model");
  json.Key("created").Integer(created).Key("owned_by").String("local").End();
}

std::string Json(const Transcript& transcript) {
  JsonWriter json(Layout::kLine);
  json.Object().Key("text").String(absl::StripAsciiWhitespace(transcript.text));
  AddUsage(json, transcript.duration);
  return absl::StrCat(json.End().Take(), "\n");
}

std::string VerboseJson(const Transcript& transcript, const SpeechRequest& request) {
  JsonWriter json(Layout::kLine);
  json.Object().Key("task").String(request.task == SpeechTask::kTranslate ? "translate"
                                                                          : "transcribe");
  json.Key("language").String(Languages()[static_cast<size_t>(transcript.language)].name);
  json.Key("duration").Seconds(transcript.duration);
  json.Key("text").String(absl::StripAsciiWhitespace(transcript.text));
  if (request.words) {
    json.Key("words").List();
    for (const Segment& segment : transcript.segments) {
      for (const Word& word : segment.words) {
        json.Object().Key("word").String(absl::StripAsciiWhitespace(word.text));
        json.Key("start").Seconds(word.start).Key("end").Seconds(word.end).End();
      }
    }
    json.End();
  }
  if (request.segments) {
    json.Key("segments").List();
    for (const Segment& segment : transcript.segments) {
      json.Object().Key("id").Integer(segment.id).Key("seek").Integer(segment.seek);
      json.Key("start").Seconds(segment.start).Key("end").Seconds(segment.end);
      json.Key("text").String(segment.text).Key("tokens").ShortList();
      for (const TokenId token : segment.tokens) json.Integer(token);
      json.End();
      json.Key("temperature").Number(segment.temperature);
      json.Key("avg_logprob").Number(segment.avg_log_probability);
      json.Key("compression_ratio").Number(segment.compression_ratio);
      json.Key("no_speech_prob").Number(segment.no_speech_probability).End();
    }
    json.End();
  }
  AddUsage(json, transcript.duration);
  return absl::StrCat(json.End().Take(), "\n");
}

std::string Event(JsonWriter& json) { return absl::StrCat("data: ", json.Take(), "\n\n"); }

}  // namespace

std::string ErrorJson(const ApiError& error) {
  JsonWriter json(Layout::kLine);
  json.Object();
  AddError(json, error);
  return absl::StrCat(json.End().Take(), "\n");
}

HttpAnswer ErrorAnswer(const ApiError& error) {
  return {.status = error.status, .body = ErrorJson(error)};
}

HttpAnswer TranscriptAnswer(const Transcript& transcript, const SpeechRequest& request) {
  switch (request.format) {
    case SpeechFormat::kJson:
      return {.body = Json(transcript)};
    case SpeechFormat::kText:
      return {.content_type = "text/plain; charset=utf-8",
              .body = absl::StrCat(absl::StripAsciiWhitespace(transcript.text), "\n")};
    case SpeechFormat::kSrt:
      return {.content_type = "application/x-subrip; charset=utf-8",
              .body = FormatTranscript(OutputFormat::kSrt, transcript, {})};
    case SpeechFormat::kVerboseJson:
      return {.body = VerboseJson(transcript, request)};
    case SpeechFormat::kVtt:
      return {.content_type = "text/vtt; charset=utf-8",
              .body = FormatTranscript(OutputFormat::kVtt, transcript, {})};
  }
  return {.status = 500};
}

std::string DeltaEvent(absl::string_view text) {
  JsonWriter json(Layout::kLine);
  json.Object().Key("type").String("transcript.text.delta").Key("delta").String(text).End();
  return Event(json);
}

std::string DoneEvent(absl::string_view text, double duration) {
  JsonWriter json(Layout::kLine);
  json.Object().Key("type").String("transcript.text.done").Key("text").String(text);
  AddUsage(json, duration);
  json.End();
  return Event(json);
}

std::string ErrorEvent(const ApiError& error) {
  JsonWriter json(Layout::kLine);
  json.Object().Key("type").String("error");
  AddError(json, error);
  json.End();
  return Event(json);
}

std::string ModelListJson(absl::Span<const std::string> models, int64_t created) {
  JsonWriter json(Layout::kLine);
  json.Object().Key("object").String("list").Key("data").List();
  for (const std::string& model : models) AddModel(json, model, created);
  return absl::StrCat(json.End().End().Take(), "\n");
}

std::string ModelJson(absl::string_view model, int64_t created) {
  JsonWriter json(Layout::kLine);
  AddModel(json, model, created);
  return absl::StrCat(json.Take(), "\n");
}

}  // namespace rules_inference::infer
