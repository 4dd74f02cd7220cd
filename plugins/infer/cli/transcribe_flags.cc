#include "plugins/infer/cli/transcribe_flags.h"

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/decode/alignment_heads.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

constexpr absl::string_view kWhat = "flags";

absl::StatusOr<std::optional<float>> NumberOrNone(absl::string_view flag, absl::string_view text) {
  if (text == "none") return std::nullopt;
  float value = 0;
  if (!absl::SimpleAtof(text, &value) || !std::isfinite(value)) {
    return base::Mismatch(kWhat, flag, base::Quoted(text), "a number or none");
  }
  return value;
}

// From the first to 1, as openai/whisper counts: a step that is 0 or none leaves the first alone.
absl::StatusOr<std::vector<float>> Ladder(float first, absl::string_view increment) {
  ASSIGN_OR_RETURN(const std::optional<float> step,
                   NumberOrNone("--temperature-increment-on-fallback", increment));
  if (!step.has_value() || *step == 0) return std::vector<float>{first};
  if (*step < 0.01F) {
    return base::Mismatch(kWhat, "--temperature-increment-on-fallback", base::Quoted(increment),
                          "at least 0.01, or none");
  }
  std::vector<float> out;
  for (int i = 0; first + static_cast<float>(i) * *step < 1 + 1e-6F; ++i) {
    out.push_back(first + static_cast<float>(i) * *step);
  }
  if (out.empty()) out.push_back(first);
  return out;
}

absl::Status ParseSuppressed(absl::string_view text, TranscribeOptions* options) {
  options->suppress_non_speech = false;
  options->suppressed.clear();
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    TokenId id = 0;
    if (!absl::SimpleAtoi(part, &id) || id < -1) {
      return base::Mismatch(kWhat, "--suppress-tokens", base::Quoted(text),
                            "ids with commas between them, -1 for what is not spoken");
    }
    if (id == -1) {
      options->suppress_non_speech = true;
    } else {
      options->suppressed.push_back(id);
    }
  }
  return absl::OkStatus();
}

// "start,end,start,end,...", where the last end may be missing.
absl::Status ParseClips(absl::string_view text, TranscribeOptions* options) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ',', absl::SkipEmpty());
  double before = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    double second = 0;
    if (!absl::SimpleAtod(parts[i], &second) || !std::isfinite(second) || second < before) {
      return base::Mismatch(kWhat, "--clip-timestamps", base::Quoted(text),
                            "START,END,START,END,... in seconds that grow");
    }
    before = second;
    if (i % 2 == 0) {
      options->clips.push_back({second, std::nullopt});
    } else {
      options->clips.back().end = second;
    }
  }
  return absl::OkStatus();
}

// A name of a released model, or LAYER.HEAD,LAYER.HEAD,...
absl::Status ParseAlignmentHeads(absl::string_view text, TranscribeOptions* options) {
  if (text == "auto") return absl::OkStatus();
  if (const auto released = AlignmentHeadsOf(text)) {
    options->alignment_heads.assign(released->begin(), released->end());
    return absl::OkStatus();
  }
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> numbers = absl::StrSplit(part, '.');
    Head head;
    if (numbers.size() != 2 || !absl::SimpleAtoi(numbers[0], &head.layer) ||
        !absl::SimpleAtoi(numbers[1], &head.head)) {
      return base::Mismatch(kWhat, "--alignment-heads", base::Quoted(text),
                            "auto, a released model such as 'large-v1', or LAYER.HEAD,LAYER.HEAD");
    }
    options->alignment_heads.push_back(head);
  }
  return absl::OkStatus();
}

// Languages by code, for the help and completions; names are taken, too.
std::string CheckLanguage(const std::string& text) {
  if (text == "auto" || FindLanguage(text).has_value()) return "";
  return absl::StrCat("got ", base::Quoted(text),
                      ", expected auto, a code such as 'en' or a name such as 'german'");
}

std::string LanguageCodes() {
  std::string out = "{auto";
  for (const Language& language : Languages()) absl::StrAppend(&out, ",", language.code);
  return out + "}";
}

}  // namespace

void AddTranscribeFlags(CLI::App& command, TranscribeFlags& flags) {
  TranscribeOptions& options = flags.options;
  command.add_option("-l,--language", flags.language, "What is spoken; auto finds it out")
      ->check(CLI::Validator(CheckLanguage, LanguageCodes()))
      ->capture_default_str();
  command.add_flag("--translate", options.translate, "Translate into English");
  command.add_flag("--word-timestamps", options.word_timestamps, "The time of each word");
  command
      .add_option("--prepend-punctuations", options.prepend_punctuations,
                  "With --word-timestamps: signs that belong to the word behind them")
      ->capture_default_str();
  command
      .add_option("--append-punctuations", options.append_punctuations,
                  "With --word-timestamps: signs that belong to the word before them")
      ->capture_default_str();
  command
      .add_option("--alignment-heads", flags.alignment_heads,
                  "With --word-timestamps: whose heads tell the times, a released model such as "
                  "large-v1, or LAYER.HEAD,...; auto goes by the size of the model")
      ->capture_default_str();
  command.add_flag("--no-timestamps", flags.no_timestamps,
                   "No times within a window: a segment is 30 s long");
  command
      .add_option("--temperature", flags.temperature,
                  "Of the first try: 0 for the likeliest text, above it words are drawn")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--temperature-increment-on-fallback", flags.temperature_increment,
                  "Added for each further try, up to 1, while a text repeats itself or is "
                  "unsure; none for one try")
      ->capture_default_str();
  command
      .add_option("--beam-size", options.beam_size,
                  "Texts that are followed at temperature 0; 1 is fastest")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command.add_option("--best-of", options.best_of, "Texts that are drawn at other temperatures")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command.add_option("--patience", options.patience, "How many texts end before the best is taken")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      .add_option("--length-penalty", flags.length_penalty,
                  "Exponent of the length by which texts are ranked; none for the mean")
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Of what is drawn: the same seed, the same text")
      ->capture_default_str();
  command
      .add_option("--compression-ratio-threshold", flags.compression_ratio_threshold,
                  "Above, a text repeats itself and is tried again")
      ->capture_default_str();
  command
      .add_option("--logprob-threshold", flags.logprob_threshold,
                  "Below, a text is unsure and is tried again")
      ->capture_default_str();
  command
      .add_option("--no-speech-threshold", flags.no_speech_threshold,
                  "Above, when the text is unsure, nobody speaks")
      ->capture_default_str();
  command.add_flag("--no-condition-on-previous-text", flags.no_condition_on_previous_text,
                   "Do not tell a window what was said before it: less context, and no loops");
  command.add_option("--initial-prompt", options.initial_prompt,
                     "Text that stands before the first window: names, terms, style");
  command.add_flag("--carry-initial-prompt", options.carry_initial_prompt,
                   "Put --initial-prompt before each window, not before the first alone");
  command
      .add_option("--suppress-tokens", flags.suppress_tokens,
                  "Ids that are never said, with commas; -1 for brackets and notes")
      ->capture_default_str();
  command.add_option("--clip-timestamps", flags.clip_timestamps,
                     "Only these parts: START,END,START,... in seconds");
  command
      .add_option("--hallucination-silence-threshold", flags.hallucination_silence_threshold,
                  "With --word-timestamps: seconds of silence around text that looks made up")
      ->capture_default_str();
}

absl::StatusOr<TranscribeOptions> TranscribeOptionsOf(const TranscribeFlags& flags) {
  TranscribeOptions options = flags.options;
  if (flags.language != "auto") options.language = FindLanguage(flags.language);
  options.timestamps = !flags.no_timestamps;
  options.condition_on_previous_text = !flags.no_condition_on_previous_text;
  ASSIGN_OR_RETURN(options.temperatures, Ladder(flags.temperature, flags.temperature_increment));
  ASSIGN_OR_RETURN(options.length_penalty, NumberOrNone("--length-penalty", flags.length_penalty));
  ASSIGN_OR_RETURN(
      options.compression_ratio_threshold,
      NumberOrNone("--compression-ratio-threshold", flags.compression_ratio_threshold));
  ASSIGN_OR_RETURN(options.log_probability_threshold,
                   NumberOrNone("--logprob-threshold", flags.logprob_threshold));
  ASSIGN_OR_RETURN(options.no_speech_threshold,
                   NumberOrNone("--no-speech-threshold", flags.no_speech_threshold));
  ASSIGN_OR_RETURN(
      options.hallucination_silence_threshold,
      NumberOrNone("--hallucination-silence-threshold", flags.hallucination_silence_threshold));
  RETURN_IF_ERROR(ParseSuppressed(flags.suppress_tokens, &options));
  RETURN_IF_ERROR(ParseClips(flags.clip_timestamps, &options));
  RETURN_IF_ERROR(ParseAlignmentHeads(flags.alignment_heads, &options));
  return options;
}

}  // namespace rules_inference::infer
