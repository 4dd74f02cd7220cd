// Tokens to words.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_WORD_SPLIT_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_WORD_SPLIT_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tokenizer.h"

namespace rules_inference::infer {

struct TokenWord {
  // UTF-8, with the space in front of it.
  std::string text;
  std::vector<TokenId> tokens;
};

// Whether words of the language (position in Languages()) have spaces between them. Where they do
// not, each character is a word.
bool HasSpaces(int language);

// All of `tokens`, which are text, in order. A character is never in two words.
std::vector<TokenWord> SplitTokens(const Tokenizer& tokenizer, absl::Span<const TokenId> tokens,
                                   bool has_spaces);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_WORD_SPLIT_H_
