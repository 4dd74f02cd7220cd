// Problem: a model may say anything, and what it says has to be times in pairs around text.
//
// Idea: before a token is chosen, those that make no sense behind what has been chosen get a logit
// of minus infinity: what is not spoken, text where a time has to be, times that go back. Last,
// if all times together are likelier than any other token, it has to be a time: probability that
// is spread over many similar times would lose against one word.
//
// Invariant: after `text time`, a time or the end follows; after `time time`, no time.
//
// Cost: one pass over the vocabulary, exponentials of 1501 times.

#include "plugins/infer/decode/logit_filter.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "absl/types/span.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

void Forbid(absl::Span<float> logits, TokenId begin, TokenId end) {
  const auto size = static_cast<TokenId>(logits.size());
  for (TokenId id = begin; id < std::min(end, size); ++id) logits[static_cast<size_t>(id)] = kNever;
}

void ApplyTimestampRules(const LogitRules& rules, absl::Span<const TokenId> sampled,
                         absl::Span<float> logits) {
  const SpecialTokens& special = rules.special;
  const auto end = static_cast<TokenId>(logits.size());
  Forbid(logits, special.no_timestamps, special.no_timestamps + 1);

  const size_t size = sampled.size();
  const bool last_is_time = size >= 1 && special.IsTimestamp(sampled[size - 1]);
  const bool one_before_is_time = size < 2 || special.IsTimestamp(sampled[size - 2]);
  if (last_is_time && one_before_is_time) Forbid(logits, special.first_timestamp, end);
  if (last_is_time && !one_before_is_time) Forbid(logits, 0, special.end_of_text);

  const auto last_time = std::find_if(sampled.rbegin(), sampled.rend(),
                                      [&](TokenId id) { return special.IsTimestamp(id); });
  if (last_time != sampled.rend()) {
    // A segment may begin where the last one ended, and has to last some time.
    const bool begins = last_is_time && !one_before_is_time;
    Forbid(logits, special.first_timestamp, *last_time + (begins ? 0 : 1));
  }

  if (sampled.empty()) {
    Forbid(logits, 0, special.first_timestamp);
    if (rules.max_initial_steps.has_value()) {
      Forbid(logits, special.first_timestamp + *rules.max_initial_steps + 1, end);
    }
  }

  const auto first = static_cast<size_t>(special.first_timestamp);
  const float best_other =
      *std::max_element(logits.begin(), logits.begin() + special.first_timestamp);
  if (LogSumExp(logits.subspan(first)) > static_cast<double>(best_other)) {
    Forbid(logits, 0, special.first_timestamp);
  }
}

}  // namespace

void ApplyRules(const LogitRules& rules, absl::Span<const TokenId> sampled,
                absl::Span<float> logits) {
  if (sampled.empty()) {
    for (const TokenId id : rules.suppressed_first) Forbid(logits, id, id + 1);
  }
  for (const TokenId id : rules.suppressed) Forbid(logits, id, id + 1);
  if (rules.timestamps) ApplyTimestampRules(rules, sampled, logits);
}

TokenId Likeliest(absl::Span<const float> logits) {
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace rules_inference::infer
