#include "plugins/infer/decode/word_split.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/decode/text.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tokenizer.h"

namespace rules_inference::infer {
namespace {

constexpr std::array<absl::string_view, 6> kWithoutSpaces = {"zh", "ja", "th", "lo", "my", "yue"};
constexpr absl::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

// The fewest tokens at a time that are whole characters. Bytes that are none in the whole text,
// either, do not wait for more.
std::vector<TokenWord> SplitCharacters(const Tokenizer& tokenizer,
                                       absl::Span<const TokenId> tokens) {
  const std::vector<size_t> ends = CharacterEnds(tokenizer.Decode(tokens));
  std::vector<TokenWord> words;
  std::vector<TokenId> part;
  size_t at = 0;
  for (const TokenId& token : tokens) {
    part.push_back(token);
    at += tokenizer.Decode({&token, 1}).size();
    const bool is_empty = at == 0;  // Ends of characters are behind something.
    if (!is_empty && !std::binary_search(ends.begin(), ends.end(), at)) continue;
    words.push_back({ToValidUtf8(tokenizer.Decode(part)), part});
    part.clear();
  }
  return words;
}

}  // namespace

bool HasSpaces(int language) {
  const absl::string_view code = Languages()[static_cast<size_t>(language)].code;
  return !absl::c_linear_search(kWithoutSpaces, code);
}

std::vector<TokenWord> SplitTokens(const Tokenizer& tokenizer, absl::Span<const TokenId> tokens,
                                   bool has_spaces) {
  std::vector<TokenWord> characters = SplitCharacters(tokenizer, tokens);
  if (!has_spaces) return characters;
  std::vector<TokenWord> words;
  for (TokenWord& part : characters) {
    if (words.empty() || absl::StartsWith(part.text, " ") ||
        absl::StrContains(kPunctuation, Strip(part.text))) {
      words.push_back(std::move(part));
    } else {
      words.back().text += part.text;
      words.back().tokens.insert(words.back().tokens.end(), part.tokens.begin(), part.tokens.end());
    }
  }
  return words;
}

}  // namespace rules_inference::infer
