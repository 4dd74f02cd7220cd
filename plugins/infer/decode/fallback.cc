#include "plugins/infer/decode/fallback.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/decode/beam.h"
#include "plugins/infer/decode/candidates.h"
#include "plugins/infer/decode/compression_ratio.h"
#include "plugins/infer/decode/sampling.h"
#include "plugins/infer/decode/text.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/tokenizer.h"

namespace rules_inference::infer {
namespace {

bool IsAbove(double value, std::optional<float> threshold) {
  return threshold.has_value() && value > static_cast<double>(*threshold);
}

bool IsBelow(double value, std::optional<float> threshold) {
  return threshold.has_value() && value < static_cast<double>(*threshold);
}

absl::StatusOr<Candidates> DecodeGreedily(Engine& engine, const EncodedWindow& window,
                                          const Prompt& prompt, const LogitRules& rules) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Decoding> decoding, engine.NewDecoding(window, 1));
  GreedyDecoding greedy = {.decoding = decoding.get(),
                           .prompt = prompt.tokens,
                           .start = prompt.start,
                           .max_tokens = prompt.max_tokens,
                           .rules = &rules};
  RETURN_IF_ERROR(engine.DecodeGreedy(absl::MakeSpan(&greedy, 1)));
  return Candidates{{{std::move(greedy.tokens), greedy.sum_log_probability}},
                    greedy.no_speech_probability};
}

absl::StatusOr<Candidates> DecodeAt(float temperature, Engine& engine, const EncodedWindow& window,
                                    const Prompt& prompt, const LogitRules& rules,
                                    const TranscribeOptions& options, int seek) {
  if (temperature > 0) {
    const RandomStream stream = {options.seed, static_cast<uint64_t>(seek), temperature};
    return DecodeBySampling(engine, window, prompt, rules, stream, options.best_of);
  }
  if (options.beam_size == 1) return DecodeGreedily(engine, window, prompt, rules);
  const auto wanted =
      static_cast<int>(std::nearbyint(options.beam_size * static_cast<double>(options.patience)));
  return DecodeByBeams(engine, window, prompt, rules, options.beam_size, wanted);
}

}  // namespace

bool IsUnsureSilence(const WindowText& text, const TranscribeOptions& options) {
  return IsAbove(text.no_speech_probability, options.no_speech_threshold) &&
         IsBelow(text.avg_log_probability, options.log_probability_threshold);
}

bool NeedsFallback(const WindowText& text, const TranscribeOptions& options) {
  return (IsAbove(text.compression_ratio, options.compression_ratio_threshold) ||
          IsBelow(text.avg_log_probability, options.log_probability_threshold)) &&
         !IsUnsureSilence(text, options);
}

bool IsSilence(const WindowText& text, const TranscribeOptions& options) {
  return IsAbove(text.no_speech_probability, options.no_speech_threshold) &&
         !IsAbove(text.avg_log_probability, options.log_probability_threshold);
}

absl::StatusOr<WindowText> DecodeWindow(Engine& engine, const Tokenizer& tokenizer,
                                        const EncodedWindow& window, const Prompt& prompt,
                                        const LogitRules& rules, const TranscribeOptions& options,
                                        int seek) {
  WindowText text;
  for (const float temperature : options.temperatures) {
    ASSIGN_OR_RETURN(const Candidates candidates,
                     DecodeAt(temperature, engine, window, prompt, rules, options, seek));
    const Candidate& best = BestOf(candidates.sequences, options.length_penalty);
    const std::string written =
        TextOf(tokenizer, rules.special, best.tokens, rules.special.first_timestamp);
    text = {.tokens = best.tokens,
            .temperature = temperature,
            .avg_log_probability =
                best.sum_log_probability / static_cast<double>(best.tokens.size() + 1),
            .compression_ratio = CompressionRatio(Strip(written)),
            .no_speech_probability = candidates.no_speech_probability};
    if (!NeedsFallback(text, options)) break;
  }
  return text;
}

}  // namespace rules_inference::infer
