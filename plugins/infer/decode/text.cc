#include "plugins/infer/decode/text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/utf8.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tokenizer.h"

namespace rules_inference::infer {
namespace {

struct Form {
  size_t size = 0;  // 0: begins no character.
  // Of the second byte.
  uint8_t low = 0x80;
  uint8_t high = 0xbf;
};

Form FormOf(uint8_t first) {
  if (first >= 0xc2 && first <= 0xdf) return {2};
  if (first == 0xe0) return {3, 0xa0};        // Less would be overlong.
  if (first == 0xed) return {3, 0x80, 0x9f};  // More would be a surrogate.
  if (first >= 0xe1 && first <= 0xef) return {3};
  if (first == 0xf0) return {4, 0x90};
  if (first == 0xf4) return {4, 0x80, 0x8f};  // More would be above U+10FFFF.
  if (first >= 0xf1 && first <= 0xf3) return {4};
  return {};
}

// How many bytes from the beginning on are like a character of several bytes; at least 1.
size_t PrefixSize(absl::string_view bytes) {
  const Form form = FormOf(static_cast<uint8_t>(bytes[0]));
  size_t size = 1;
  while (size < std::min(form.size, bytes.size())) {
    const auto byte = static_cast<uint8_t>(bytes[size]);
    if (byte < (size == 1 ? form.low : 0x80) || byte > (size == 1 ? form.high : 0xbf)) break;
    ++size;
  }
  return size;
}

bool IsSpace(uint32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}

}  // namespace

std::vector<size_t> CharacterEnds(absl::string_view bytes) {
  std::vector<size_t> ends;
  absl::string_view rest = bytes;
  while (!rest.empty()) {
    uint32_t code_point = 0;
    if (!base::ConsumeUtf8(rest, code_point)) rest.remove_prefix(PrefixSize(rest));
    ends.push_back(bytes.size() - rest.size());
  }
  return ends;
}

std::string ToValidUtf8(absl::string_view bytes) {
  std::string text;
  size_t begin = 0;
  for (const size_t end : CharacterEnds(bytes)) {
    const absl::string_view part = bytes.substr(begin, end - begin);
    text.append(base::IsValidUtf8(part) ? part : kReplacement);
    begin = end;
  }
  return text;
}

size_t UnfinishedBytes(absl::string_view bytes) {
  for (size_t size = 1; size <= std::min<size_t>(3, bytes.size()); ++size) {
    const absl::string_view tail = bytes.substr(bytes.size() - size);
    if (FormOf(static_cast<uint8_t>(tail[0])).size > size && PrefixSize(tail) == size) return size;
  }
  return 0;
}

absl::string_view Strip(absl::string_view text) {
  absl::string_view begun;
  size_t size = 0;
  while (!text.empty()) {
    absl::string_view rest = text;
    uint32_t code_point = 0;
    if (!base::ConsumeUtf8(rest, code_point)) rest.remove_prefix(1);
    if (!IsSpace(code_point)) {
      if (begun.empty()) begun = text;
      size = begun.size() - rest.size();
    }
    text = rest;
  }
  return begun.substr(0, size);
}

std::string TextOf(const Tokenizer& tokenizer, const SpecialTokens& special,
                   absl::Span<const TokenId> tokens, TokenId limit) {
  std::string bytes;
  for (const TokenId& token : tokens) {
    if (token >= limit) continue;
    bytes += special.IsText(token) ? tokenizer.Decode({&token, 1}) : special.NameOf(token);
  }
  return ToValidUtf8(bytes);
}

}  // namespace rules_inference::infer
