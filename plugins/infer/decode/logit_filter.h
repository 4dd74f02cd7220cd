// What the rules for the next token do to logits, and probabilities of what is left.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_LOGIT_FILTER_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_LOGIT_FILTER_H_

#include "absl/types/span.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

// Sets the logits of tokens that may not follow `sampled`, which is what came behind the prompt, to
// minus infinity.
void ApplyRules(const LogitRules& rules, absl::Span<const TokenId> sampled,
                absl::Span<float> logits);

// The logarithm of the sum of exponentials; minus infinity of nothing. A token's log-probability is
// its logit less this.
double LogSumExp(absl::Span<const float> logits);

// The first of the largest.
TokenId Likeliest(absl::Span<const float> logits);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_LOGIT_FILTER_H_
