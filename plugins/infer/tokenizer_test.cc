#include "plugins/infer/tokenizer.h"

#include <cstddef>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/infer/character_class.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

std::vector<std::string> Lines(const std::string& name) {
  std::ifstream file(absl::StrCat("plugins/infer/testdata/", name), std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_FALSE(text.empty()) << name;
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

// A part of a real vocabulary, under its real ids.
struct Vocabulary {
  explicit Vocabulary(const std::string& name) : bytes(50257) {
    for (const std::string& line : Lines(name)) {
      const std::pair<std::string, std::string> row = absl::StrSplit(line, ' ');
      size_t id = 0;
      EXPECT_TRUE(absl::SimpleAtoi(row.second, &id) && absl::Base64Unescape(row.first, &bytes[id]));
    }
    tokens.assign(bytes.begin(), bytes.end());
  }
  std::vector<std::string> bytes;
  std::vector<absl::string_view> tokens;
};

class EncodingTest : public testing::TestWithParam<std::string> {};

TEST_P(EncodingTest, EncodesAsTheReference) {
  const Vocabulary vocabulary(GetParam() + ".tiktoken");
  const Tokenizer tokenizer(vocabulary.tokens);
  ASSERT_TRUE(tokenizer.CanEncode().ok());
  const std::vector<std::string> lines = Lines(GetParam() + ".golden");
  EXPECT_EQ(absl::StrCat("non-speech\t", absl::StrJoin(tokenizer.NonSpeechTokens(), " ")),
            lines[0]);
  ASSERT_GT(lines.size(), 30U);
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<std::string, std::string> row = absl::StrSplit(lines[i], '\t');
    std::string text;
    ASSERT_TRUE(absl::CUnescape(row.first, &text));
    const std::vector<TokenId> ids = tokenizer.Encode(text);
    EXPECT_EQ(absl::StrJoin(ids, " "), row.second) << lines[i];
    EXPECT_EQ(tokenizer.Decode(ids), text);
  }
}

INSTANTIATE_TEST_SUITE_P(, EncodingTest, testing::Values("gpt2", "multilingual"));

TEST(TokenizerTest, AnyBytesComeBack) {
  const Vocabulary vocabulary("gpt2.tiktoken");
  const Tokenizer tokenizer(vocabulary.tokens);
  std::mt19937_64 random(2);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    const size_t size = random() % 64;
    while (text.size() < size) text += static_cast<char>(random() % (i % 2 == 0 ? 256 : 64));
    EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text)), text);
    EXPECT_EQ(absl::StrJoin(SplitWords(text), ""), text);
  }
}

TEST(TokenizerTest, AVeryLongWordTakesNoTime) {
  const Vocabulary vocabulary("gpt2.tiktoken");
  const Tokenizer tokenizer(vocabulary.tokens);
  const std::string text(1 << 20, 'a');
  EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text)), text);
}

TEST(TokenizerTest, SpecialAndUnknownIdsHaveNoText) {
  const Vocabulary vocabulary("gpt2.tiktoken");
  const Tokenizer tokenizer(vocabulary.tokens);
  EXPECT_EQ(tokenizer.Decode({0, 50258, -1, 1 << 30, 1}), "!\"");
}

TEST(TokenizerTest, AVocabularyThatLostBytes) {
  const Vocabulary vocabulary("gpt2.tiktoken");
  std::vector<absl::string_view> tokens = vocabulary.tokens;
  for (absl::string_view& token : tokens) {
    if (token == "\xc3") token = "\xef\xbf\xbd";
  }
  EXPECT_EQ(Tokenizer(tokens).CanEncode().message(),
            "vocabulary: of the model: got no token for the byte 0xc3, expected one for each; a "
            "prompt cannot be used with this model");
}

TEST(CharacterClassTest, OfEachKind) {
  EXPECT_EQ(ClassOf('a'), CharacterClass::kLetter);
  EXPECT_EQ(ClassOf('7'), CharacterClass::kNumber);
  EXPECT_EQ(ClassOf('\t'), CharacterClass::kSpace);
  EXPECT_EQ(ClassOf('_'), CharacterClass::kOther);
  EXPECT_EQ(ClassOf(0), CharacterClass::kOther);
  EXPECT_EQ(ClassOf(0x3042), CharacterClass::kLetter);
  EXPECT_EQ(ClassOf(0x2167), CharacterClass::kNumber);
  EXPECT_EQ(ClassOf(0x200b), CharacterClass::kOther);
  EXPECT_EQ(ClassOf(0x3000), CharacterClass::kSpace);
  EXPECT_EQ(ClassOf(0x0301), CharacterClass::kOther);
  EXPECT_EQ(ClassOf(0x10ffff), CharacterClass::kOther);
}

}  // namespace
}  // namespace rules_inference::infer
