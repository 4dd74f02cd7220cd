// Bytes of tokens as text that is valid UTF-8 in any case.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_TEXT_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_TEXT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tokenizer.h"

namespace rules_inference::infer {

// "\uFFFD" in UTF-8: stands for bytes that are no character.
inline constexpr absl::string_view kReplacement = "\xef\xbf\xbd";

// One kReplacement for each part that begins like a character and does not go on like it, and for
// each byte that begins none: as the Unicode standard recommends and Python does.
std::string ToValidUtf8(absl::string_view bytes);

// Where ToValidUtf8 could be cut: offsets behind each character, or part that is none, in order.
std::vector<size_t> CharacterEnds(absl::string_view bytes);

// Bytes at the end that begin a character, of which the rest may still come. 0 to 3.
size_t UnfinishedBytes(absl::string_view bytes);

// Without white space, that of Unicode too, at both ends.
absl::string_view Strip(absl::string_view text);

// With special tokens by name ("<|endoftext|>") as far as their ids are below `limit`.
std::string TextOf(const Tokenizer& tokenizer, const SpecialTokens& special,
                   absl::Span<const TokenId> tokens, TokenId limit);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_TEXT_H_
