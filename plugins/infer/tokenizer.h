// Text to tokens and back: the byte-pair encoding of GPT-2, with the vocabulary of a model.

#ifndef RULES_INFERENCE_PLUGINS_INFER_TOKENIZER_H_
#define RULES_INFERENCE_PLUGINS_INFER_TOKENIZER_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

class Tokenizer {
 public:
  // `tokens` by id, and the bytes that they are views of, have to outlive it.
  explicit Tokenizer(absl::Span<const absl::string_view> tokens);

  // Whether texts can be encoded: some old files have vocabularies that lost bytes. The message
  // says what is missing.
  absl::Status CanEncode() const;

  // Of UTF-8; bytes that are none are encoded as they are. Only after CanEncode.
  std::vector<TokenId> Encode(absl::string_view text) const;

  // The bytes of text tokens, which need not be whole characters; other tokens have none.
  std::string Decode(absl::Span<const TokenId> ids) const;

  // Tokens of symbols that are not spoken: brackets, quotes, notes, and a dash or apostrophe at the
  // beginning of a word. Sorted. The same as openai/whisper suppresses by default.
  std::vector<TokenId> NonSpeechTokens() const;

 private:
  void EncodeWord(absl::string_view word, std::vector<TokenId>& out) const;

  absl::Span<const absl::string_view> tokens_;
  absl::flat_hash_map<absl::string_view, TokenId> ids_;
};

// The words that are encoded each for itself, by the expression of GPT-2: contractions, letters,
// numbers or other characters with one space in front, and white space.
std::vector<absl::string_view> SplitWords(absl::string_view text);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_TOKENIZER_H_
