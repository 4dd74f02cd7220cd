// What a model is told before it writes down a window: the task, and what was said before.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_PROMPT_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_PROMPT_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/decode/candidates.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/model.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

// start_of_transcript, and for multilingual models language and task.
std::vector<TokenId> StartSequence(const SpecialTokens& special, int language, bool translate);

// `previous`, as much as fits, `start`, and no_timestamps if no times are wanted.
Prompt MakePrompt(const SpecialTokens& special, absl::Span<const TokenId> previous,
                  absl::Span<const TokenId> start, bool timestamps, int text_context);

LogitRules MakeRules(const Model& model, const TranscribeOptions& options);

// The text so far, as far as the next window is told of it.
class History {
 public:
  // `initial`: tokens of the initial prompt. `most`: how many tokens a prompt can have.
  History(std::vector<TokenId> initial, bool carry_initial, size_t most);

  void Append(absl::Span<const TokenId> tokens);
  // What came so far is not told any more; a carried initial prompt is.
  void Forget();

  std::vector<TokenId> Previous() const;

 private:
  const size_t initial_;
  const bool carry_initial_;
  const size_t most_;
  std::vector<TokenId> tokens_;
  size_t from_ = 0;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_PROMPT_H_
