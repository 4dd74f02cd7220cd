// Which tokens may come next. Plain data, because some devices apply it themselves.

#ifndef RULES_INFERENCE_PLUGINS_INFER_LOGIT_RULES_H_
#define RULES_INFERENCE_PLUGINS_INFER_LOGIT_RULES_H_

#include <optional>
#include <vector>

#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

struct LogitRules {
  SpecialTokens special;
  // Never, sorted: what is not spoken, and special tokens that belong to prompts.
  std::vector<TokenId> suppressed;
  // Not as the first token either: a space, and the end of text. Empty if blanks are allowed.
  std::vector<TokenId> suppressed_first;
  // Whether times are sampled, which then have rules of their own: they come in pairs, do not go
  // back, begin the text, and are taken when all of them together are likelier than any text.
  bool timestamps = true;
  // The latest time that may begin the text, in steps of 0.02 s.
  std::optional<int> max_initial_steps = 50;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_LOGIT_RULES_H_
