#include "plugins/infer/server/speech_request.h"

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/utf8.h"
#include "plugins/infer/server/form.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

constexpr std::array<std::pair<absl::string_view, SpeechFormat>, 5> kFormats = {{
    {"json", SpeechFormat::kJson},
    {"text", SpeechFormat::kText},
    {"srt", SpeechFormat::kSrt},
    {"verbose_json", SpeechFormat::kVerboseJson},
    {"vtt", SpeechFormat::kVtt},
}};

using Problem = std::optional<BadField>;

BadField Invalid(const FormField& field, absl::string_view expected) {
  return {.message = absl::StrCat("Invalid value for ", field.name, ": got ",
                                  base::Quoted(field.value), ", expected ", expected),
          .param = field.name,
          .code = "invalid_value"};
}

std::optional<bool> ParseBool(absl::string_view text) {
  if (absl::EqualsIgnoreCase(text, "true") || text == "1") return true;
  if (absl::EqualsIgnoreCase(text, "false") || text == "0" || text.empty()) return false;
  return std::nullopt;
}

Problem TakeFormat(const FormField& field, SpeechRequest& request) {
  for (const auto& [name, format] : kFormats) {
    if (field.value != name) continue;
    request.format = format;
    return std::nullopt;
  }
  return Invalid(field, "one of json, text, srt, verbose_json, vtt");
}

Problem TakeLanguage(const FormField& field, SpeechDialect dialect, SpeechRequest& request) {
  // Not given, for clients that send every field they know.
  if (field.value.empty() || (dialect == SpeechDialect::kWhisperCpp && field.value == "auto")) {
    return std::nullopt;
  }
  request.language = FindLanguage(field.value);
  if (request.language.has_value()) return std::nullopt;
  return Invalid(field, "a language as in ISO 639-1, such as en");
}

Problem TakeField(const FormField& field, SpeechDialect dialect, bool& granular,
                  SpeechRequest& request) {
  const absl::string_view name = field.name;
  if (name == "file") {
    if (!field.file_name.has_value()) return Invalid(field, "a file");
    request.file = field.value;
  } else if (name == "model") {
    request.model = std::string(field.value);
  } else if (name == "language") {
    return TakeLanguage(field, dialect, request);
  } else if (name == "prompt") {
    if (!base::IsValidUtf8(field.value)) return Invalid(field, "UTF-8");
    request.prompt = std::string(field.value);
  } else if (name == "response_format") {
    return TakeFormat(field, request);
  } else if (name == "temperature") {
    if (!absl::SimpleAtof(field.value, &request.temperature) ||
        !(request.temperature >= 0 && request.temperature <= 1)) {
      return Invalid(field, "a number from 0 to 1");
    }
  } else if (name == "timestamp_granularities[]" || name == "timestamp_granularities") {
    if (!std::exchange(granular, true)) request.segments = false;
    if (field.value == "word") {
      request.words = true;
    } else if (field.value == "segment") {
      request.segments = true;
    } else {
      return Invalid(field, "word or segment");
    }
  } else if (name == "stream") {
    const std::optional<bool> value = ParseBool(field.value);
    if (!value.has_value()) return Invalid(field, "true or false");
    request.stream = *value;
  } else if (name == "chunking_strategy") {
    // Windows are cut where the model sees the end of a sentence; that is all there is.
    if (field.value != "auto" && !field.value.empty()) return Invalid(field, "auto");
  } else if (name == "include[]" || name == "include") {
    return Invalid(field, "nothing: this model gives no logprobs");
  } else if (dialect == SpeechDialect::kWhisperCpp) {
    const std::optional<bool> value = ParseBool(field.value);
    if (name == "translate" && value.value_or(false)) request.task = SpeechTask::kTranslate;
  } else {
    return BadField{.message =
                        absl::StrCat("Unrecognized request argument supplied: ",
                                     base::IsValidUtf8(name) ? name : absl::string_view("?"))};
  }
  return std::nullopt;
}

bool MayRepeat(absl::string_view name) { return absl::EndsWith(name, "[]"); }

}  // namespace

std::variant<SpeechRequest, BadField> ParseSpeechRequest(absl::Span<const FormField> fields,
                                                         SpeechTask task, SpeechDialect dialect) {
  SpeechRequest request{.task = task};
  bool granular = false;
  for (const FormField& field : fields) {
    for (const FormField& other : fields) {
      if (&other == &field) break;
      if (other.name == field.name && !MayRepeat(field.name)) {
        return BadField{.message = absl::StrCat("Duplicate field: ", base::Quoted(field.name)),
                        .code = "duplicate_field"};
      }
    }
    Problem problem = TakeField(field, dialect, granular, request);
    if (problem.has_value()) return *std::move(problem);
  }
  const auto missing = [](absl::string_view name) {
    return BadField{.message = absl::StrCat("Missing required parameter: '", name, "'"),
                    .param = std::string(name),
                    .code = "missing_required_parameter"};
  };
  if (request.file.empty()) return missing("file");
  if (request.model.empty() && dialect == SpeechDialect::kOpenAi) return missing("model");
  if (granular && request.format != SpeechFormat::kVerboseJson) {
    return BadField{.message = "timestamp_granularities needs response_format verbose_json",
                    .param = "timestamp_granularities",
                    .code = "invalid_value"};
  }
  if (request.stream && request.format != SpeechFormat::kJson &&
      request.format != SpeechFormat::kText) {
    return BadField{.message = "stream needs response_format json or text",
                    .param = "stream",
                    .code = "invalid_value"};
  }
  return request;
}

}  // namespace rules_inference::infer
