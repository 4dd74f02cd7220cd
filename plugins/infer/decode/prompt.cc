#include "plugins/infer/decode/prompt.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/decode/candidates.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/model.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

void SortUnique(std::vector<TokenId>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

// At most `count` at the end.
absl::Span<const TokenId> Tail(absl::Span<const TokenId> tokens, size_t count) {
  return tokens.last(std::min(tokens.size(), count));
}

}  // namespace

std::vector<TokenId> StartSequence(const SpecialTokens& special, int language, bool translate) {
  if (!special.multilingual) return {special.start_of_transcript};
  return {special.start_of_transcript, special.first_language + language,
          translate ? special.translate : special.transcribe};
}

Prompt MakePrompt(const SpecialTokens& special, absl::Span<const TokenId> previous,
                  absl::Span<const TokenId> start, bool timestamps, int text_context) {
  Prompt prompt;
  if (!previous.empty()) {
    // Half of the context is for the text, and one token of the other half for start_of_previous.
    const absl::Span<const TokenId> tail =
        Tail(previous, static_cast<size_t>(std::max(0, text_context / 2 - 1)));
    prompt.tokens.push_back(special.start_of_previous);
    prompt.tokens.insert(prompt.tokens.end(), tail.begin(), tail.end());
  }
  prompt.start = static_cast<int>(prompt.tokens.size());
  prompt.tokens.insert(prompt.tokens.end(), start.begin(), start.end());
  if (!timestamps) prompt.tokens.push_back(special.no_timestamps);
  // The last token need not fit: nothing follows it.
  prompt.max_tokens =
      std::min(text_context / 2, text_context + 1 - static_cast<int>(prompt.tokens.size()));
  return prompt;
}

LogitRules MakeRules(const Model& model, const TranscribeOptions& options) {
  const SpecialTokens& special = model.special();
  LogitRules rules = {.special = special, .timestamps = options.timestamps};
  // A vocabulary that lost bytes cannot tell which tokens these are.
  const bool can_encode = model.tokenizer().CanEncode().ok();
  if (options.suppress_non_speech && can_encode) {
    rules.suppressed = model.tokenizer().NonSpeechTokens();
  }
  rules.suppressed.insert(rules.suppressed.end(), options.suppressed.begin(),
                          options.suppressed.end());
  for (const TokenId id : {special.transcribe, special.translate, special.start_of_transcript,
                           special.start_of_previous, special.start_of_lm, special.no_speech}) {
    rules.suppressed.push_back(id);
  }
  SortUnique(rules.suppressed);
  if (options.suppress_blank) {
    if (can_encode) rules.suppressed_first = model.tokenizer().Encode(" ");
    rules.suppressed_first.push_back(special.end_of_text);
    SortUnique(rules.suppressed_first);
  }
  rules.max_initial_steps.reset();
  if (options.max_initial_timestamp.has_value()) {
    rules.max_initial_steps = static_cast<int>(
        std::nearbyint(static_cast<double>(*options.max_initial_timestamp) / 0.02));
  }
  return rules;
}

History::History(std::vector<TokenId> initial, bool carry_initial, size_t most)
    : initial_(initial.size()),
      carry_initial_(carry_initial),
      most_(most),
      tokens_(std::move(initial)) {}

void History::Append(absl::Span<const TokenId> tokens) {
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
}

void History::Forget() { from_ = tokens_.size(); }

std::vector<TokenId> History::Previous() const {
  const absl::Span<const TokenId> all = tokens_;
  if (!carry_initial_) {
    const absl::Span<const TokenId> tail = Tail(all.subspan(from_), most_);
    return {tail.begin(), tail.end()};
  }
  std::vector<TokenId> previous(tokens_.begin(),
                                tokens_.begin() + static_cast<ptrdiff_t>(initial_));
  const absl::Span<const TokenId> tail =
      Tail(all.subspan(std::max(from_, initial_)), most_ - std::min(most_, initial_));
  previous.insert(previous.end(), tail.begin(), tail.end());
  return previous;
}

}  // namespace rules_inference::infer
