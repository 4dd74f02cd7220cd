#include "plugins/infer/decode/options_check.h"

#include <cmath>
#include <cstddef>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

absl::Status Error(absl::string_view option, const auto& got, const auto& expected) {
  return base::Mismatch(option, "to transcribe", absl::StrCat(got), absl::StrCat(expected));
}

// Not a number is in no range.
absl::Status In(absl::string_view option, double value, double low, double high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return Error(option, value, absl::StrCat(low, " to ", high));
}

absl::Status CheckLanguage(const TranscribeOptions& options, const SpecialTokens& special) {
  if (options.language.has_value()) {
    const int language = *options.language;
    const auto all = static_cast<int>(Languages().size());
    if (language < 0 || language >= all) {
      return Error("language", language, absl::StrCat("0 to ", all - 1));
    }
    if (special.multilingual && language >= special.languages) {
      return Error("language", Languages()[static_cast<size_t>(language)].name,
                   absl::StrCat("one of the ", special.languages, " that the model knows"));
    }
    if (!special.multilingual && language != 0) {
      return Error("language", Languages()[static_cast<size_t>(language)].name,
                   "english, as the model knows no other");
    }
  }
  if (options.translate && !special.multilingual) {
    return Error("translate", "a model for English only", "a multilingual model");
  }
  return absl::OkStatus();
}

absl::Status CheckSearch(const TranscribeOptions& options) {
  // More has no use, and each takes memory.
  constexpr int kMost = 64;
  if (options.temperatures.empty()) return Error("temperatures", "none", "at least one");
  for (const float temperature : options.temperatures) {
    RETURN_IF_ERROR(In("temperature", static_cast<double>(temperature), 0, 100));
  }
  RETURN_IF_ERROR(In("beam size", options.beam_size, 1, kMost));
  RETURN_IF_ERROR(In("best of", options.best_of, 1, kMost));
  RETURN_IF_ERROR(In("patience", static_cast<double>(options.patience), 0, 100));
  const double wanted = options.beam_size * static_cast<double>(options.patience);
  if (std::nearbyint(wanted) < 1) {
    return Error("patience", options.patience,
                 absl::StrCat("at least half a sequence of ", options.beam_size));
  }
  if (options.length_penalty.has_value()) {
    RETURN_IF_ERROR(In("length penalty", static_cast<double>(*options.length_penalty), 0, 1));
  }
  return absl::OkStatus();
}

absl::Status CheckTimes(const TranscribeOptions& options) {
  // Some 12 days; frames of more would not fit into what counts them.
  constexpr double kLongest = 1e6;
  if (options.max_initial_timestamp.has_value()) {
    RETURN_IF_ERROR(
        In("max initial timestamp", static_cast<double>(*options.max_initial_timestamp), 0, 30));
  }
  if (options.hallucination_silence_threshold.has_value()) {
    if (!options.word_timestamps) {
      return Error("hallucination silence threshold", "no word timestamps", "word timestamps");
    }
    RETURN_IF_ERROR(In("hallucination silence threshold",
                       static_cast<double>(*options.hallucination_silence_threshold), 0, kLongest));
  }
  for (const TranscribeOptions::Clip& clip : options.clips) {
    RETURN_IF_ERROR(In("begin of a clip", clip.start, 0, kLongest));
    if (clip.end.has_value()) RETURN_IF_ERROR(In("end of a clip", *clip.end, clip.start, kLongest));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckOptions(const TranscribeOptions& options, const Model& model) {
  const Hyperparameters& parameters = model.parameters();
  RETURN_IF_ERROR(CheckLanguage(options, model.special()));
  RETURN_IF_ERROR(CheckSearch(options));
  RETURN_IF_ERROR(CheckTimes(options));
  for (const TokenId id : options.suppressed) {
    if (id < 0 || id >= parameters.vocab) {
      return Error("suppressed token", id, absl::StrCat("0 to ", parameters.vocab - 1));
    }
  }
  for (const Head& head : options.alignment_heads) {
    if (head.layer < 0 || head.layer >= parameters.text_layers || head.head < 0 ||
        head.head >= parameters.text_heads) {
      return Error("alignment head", absl::StrCat("layer ", head.layer, ", head ", head.head),
                   absl::StrCat("one of ", parameters.text_layers, " layers of ",
                                parameters.text_heads, " heads"));
    }
  }
  if (!options.initial_prompt.empty()) RETURN_IF_ERROR(model.tokenizer().CanEncode());
  return absl::OkStatus();
}

}  // namespace rules_inference::infer
