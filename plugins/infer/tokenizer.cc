// Problem: split a text into the pieces that a model was trained with, which is a matter of exact
// rules: other pieces of the same text are other input.
//
// Idea: words as the expression of GPT-2 finds them, here by hand, since no expression library of
// ours has both look-ahead and Unicode classes. Within a word, neighbours are joined, again and
// again the pair whose result has the lowest id: ids are the order in which training made them, so
// the vocabulary is all that is needed.
//
// Invariant: the pieces of a word, in order, are the word.
//
// Cost: n log n in the length of a word; pairs wait in a queue, and those that have changed since
// are passed over.

#include "plugins/infer/tokenizer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/utf8.h"
#include "plugins/infer/character_class.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

constexpr std::array<absl::string_view, 7> kContractions = {"'s", "'t",  "'re", "'ve",
                                                            "'m", "'ll", "'d"};

constexpr auto kSymbols = std::to_array<absl::string_view>(
    {"\"",  "#",  "(",  ")",   "*",   "+",   "/",   ":",  ";",   "<",  "=",  ">",
     "@",   "[",  "\\", "]",   "^",   "_",   "`",   "{",  "|",   "}",  "~",  "「",
     "」",  "『", "』", "<<",  ">>",  "<<<", ">>>", "--", "---", "-(", "-[", "('",
     "(\"", "((", "))", "(((", ")))", "[[",  "]]",  "{{", "}}",  "♪♪", "♪♪♪"});
// Of these the first token counts: they have no token of their own.
constexpr std::array<absl::string_view, 7> kNotes = {"♩", "♪", "♫", "♬", "♭", "♮", "♯"};

// Takes a character off the front; a byte that begins none is one of its own.
CharacterClass Take(absl::string_view& text) {
  uint32_t code_point = 0;
  if (base::ConsumeUtf8(text, code_point)) return ClassOf(code_point);
  text.remove_prefix(1);
  return CharacterClass::kOther;
}

size_t WordLength(absl::string_view text) {
  for (const absl::string_view contraction : kContractions) {
    if (absl::StartsWith(text, contraction)) return contraction.size();
  }
  absl::string_view rest = text;
  CharacterClass what = Take(rest);
  if (text[0] == ' ' && !rest.empty()) {
    absl::string_view after = rest;
    const CharacterClass next = Take(after);
    if (next != CharacterClass::kSpace) {
      what = next;
      rest = after;
    }
  }
  // The last character of a run of white space goes to the word behind it, if there is one.
  absl::string_view before_last = text;
  while (!rest.empty()) {
    absl::string_view after = rest;
    if (Take(after) != what) break;
    before_last = rest;
    rest = after;
  }
  if (what == CharacterClass::kSpace && !rest.empty() && before_last.size() < text.size()) {
    return text.size() - before_last.size();
  }
  return text.size() - rest.size();
}

}  // namespace

std::vector<absl::string_view> SplitWords(absl::string_view text) {
  std::vector<absl::string_view> words;
  while (!text.empty()) {
    const size_t length = WordLength(text);
    words.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return words;
}

Tokenizer::Tokenizer(absl::Span<const absl::string_view> tokens) : tokens_(tokens) {
  ids_.reserve(tokens.size());
  // Of two that are the same, the first one counts.
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (!tokens[id].empty()) ids_.emplace(tokens[id], static_cast<TokenId>(id));
  }
}

absl::Status Tokenizer::CanEncode() const {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (ids_.contains(absl::string_view(&c, 1))) continue;
    return base::Mismatch(
        "vocabulary", "of the model",
        absl::StrCat("no token for the byte 0x", absl::Hex(byte, absl::kZeroPad2)),
        "one for each; a prompt cannot be used with this model");
  }
  return absl::OkStatus();
}

void Tokenizer::EncodeWord(absl::string_view word, std::vector<TokenId>& out) const {
  struct Piece {
    size_t begin;
    size_t size;
    int previous;
    int next;
  };
  std::vector<Piece> pieces;
  const int count = static_cast<int>(word.size());
  for (int i = 0; i < count; ++i) {
    pieces.push_back({static_cast<size_t>(i), 1, i - 1, i + 1 < count ? i + 1 : -1});
  }
  // Id of the joined pair, its left piece, and the sizes of both when it was put here.
  using Pair = std::tuple<TokenId, int, size_t, size_t>;
  std::priority_queue<Pair, std::vector<Pair>, std::greater<>> pairs;
  const auto add = [&](int left) {
    if (left < 0 || pieces[static_cast<size_t>(left)].next < 0) return;
    const Piece& a = pieces[static_cast<size_t>(left)];
    const Piece& b = pieces[static_cast<size_t>(a.next)];
    const auto found = ids_.find(word.substr(a.begin, a.size + b.size));
    if (found != ids_.end()) pairs.emplace(found->second, left, a.size, b.size);
  };
  for (int i = 0; i < count; ++i) add(i);
  while (!pairs.empty()) {
    const auto [id, left, left_size, right_size] = pairs.top();
    pairs.pop();
    Piece& a = pieces[static_cast<size_t>(left)];
    if (a.size != left_size || a.next < 0) continue;
    Piece& b = pieces[static_cast<size_t>(a.next)];
    if (b.size != right_size) continue;
    a.size += b.size;
    b.size = 0;
    a.next = b.next;
    if (a.next >= 0) pieces[static_cast<size_t>(a.next)].previous = left;
    add(a.previous);
    add(left);
  }
  for (int i = 0; i >= 0 && i < count; i = pieces[static_cast<size_t>(i)].next) {
    const Piece& piece = pieces[static_cast<size_t>(i)];
    out.push_back(ids_.at(word.substr(piece.begin, piece.size)));
  }
}

std::vector<TokenId> Tokenizer::Encode(absl::string_view text) const {
  std::vector<TokenId> ids;
  for (const absl::string_view word : SplitWords(text)) {
    const auto whole = ids_.find(word);
    if (whole != ids_.end()) {
      ids.push_back(whole->second);
    } else {
      EncodeWord(word, ids);
    }
  }
  return ids;
}

std::string Tokenizer::Decode(absl::Span<const TokenId> ids) const {
  std::string text;
  for (const TokenId id : ids) {
    if (id >= 0 && static_cast<size_t>(id) < tokens_.size()) {
      text.append(tokens_[static_cast<size_t>(id)]);
    }
  }
  return text;
}

std::vector<TokenId> Tokenizer::NonSpeechTokens() const {
  absl::btree_set<TokenId> ids;
  const auto add = [&](absl::string_view symbol, bool first_of_many) {
    for (const absl::string_view space : {"", " "}) {
      const std::vector<TokenId> tokens = Encode(absl::StrCat(space, symbol));
      if (tokens.size() == 1 || first_of_many) ids.insert(tokens[0]);
    }
  };
  for (const absl::string_view symbol : kSymbols) add(symbol, false);
  for (const absl::string_view note : kNotes) add(note, true);
  // Within a word they are spoken: "well-known", "don't".
  for (const absl::string_view mark : {" -", " '"}) ids.insert(Encode(mark)[0]);
  return {ids.begin(), ids.end()};
}

}  // namespace rules_inference::infer
