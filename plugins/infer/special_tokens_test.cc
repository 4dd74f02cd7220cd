#include "plugins/infer/special_tokens.h"

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace rules_inference::infer {
namespace {

// Ids of the three vocabularies that there are.
TEST(SpecialTokensTest, English) {
  const SpecialTokens tokens(51864);
  EXPECT_FALSE(tokens.multilingual);
  EXPECT_EQ(tokens.end_of_text, 50256);
  EXPECT_EQ(tokens.start_of_transcript, 50257);
  EXPECT_EQ(tokens.translate, 50357);
  EXPECT_EQ(tokens.transcribe, 50358);
  EXPECT_EQ(tokens.start_of_lm, 50359);
  EXPECT_EQ(tokens.start_of_previous, 50360);
  EXPECT_EQ(tokens.no_speech, 50361);
  EXPECT_EQ(tokens.no_timestamps, 50362);
  EXPECT_EQ(tokens.first_timestamp, 50363);
  EXPECT_EQ(tokens.first_timestamp + 1500, 51863);
}

TEST(SpecialTokensTest, Multilingual) {
  const SpecialTokens tokens(51865);
  EXPECT_TRUE(tokens.multilingual);
  EXPECT_EQ(tokens.languages, 99);
  EXPECT_EQ(tokens.end_of_text, 50257);
  EXPECT_EQ(tokens.first_language, 50259);
  EXPECT_EQ(tokens.translate, 50358);
  EXPECT_EQ(tokens.no_timestamps, 50363);
  EXPECT_EQ(tokens.first_timestamp + 1500, 51864);
}

TEST(SpecialTokensTest, MultilingualWithCantonese) {
  const SpecialTokens tokens(51866);
  EXPECT_EQ(tokens.languages, 100);
  EXPECT_EQ(tokens.translate, 50359);
  EXPECT_EQ(tokens.transcribe, 50360);
  EXPECT_EQ(tokens.no_speech, 50363);
  EXPECT_EQ(tokens.first_timestamp + 1500, 51865);
  EXPECT_EQ(tokens.NameOf(50358), "<|yue|>");
}

TEST(SpecialTokensTest, Names) {
  const SpecialTokens tokens(51865);
  EXPECT_EQ(tokens.NameOf(50256), "");
  EXPECT_EQ(tokens.NameOf(50257), "<|endoftext|>");
  EXPECT_EQ(tokens.NameOf(50258), "<|startoftranscript|>");
  EXPECT_EQ(tokens.NameOf(50259), "<|en|>");
  EXPECT_EQ(tokens.NameOf(50357), "<|su|>");
  EXPECT_EQ(tokens.NameOf(50358), "<|translate|>");
  EXPECT_EQ(tokens.NameOf(50363), "<|notimestamps|>");
  EXPECT_EQ(tokens.NameOf(50364), "<|0.00|>");
  EXPECT_EQ(tokens.NameOf(51864), "<|30.00|>");
}

TEST(LanguageTest, CodesNamesAndOtherNames) {
  const auto code = [](absl::string_view text) {
    const std::optional<int> found = FindLanguage(text);
    return found.has_value() ? Languages()[static_cast<size_t>(*found)].code : "";
  };
  EXPECT_EQ(code("de"), "de");
  EXPECT_EQ(code("German"), "de");
  EXPECT_EQ(code("FLEMISH"), "nl");
  EXPECT_EQ(code("Burmese"), "my");
  EXPECT_EQ(code("haitian creole"), "ht");
  EXPECT_EQ(code("mandarin"), "zh");
  EXPECT_EQ(code("klingon"), "");
  EXPECT_EQ(code(""), "");
  EXPECT_EQ(Languages().size(), 100U);
  EXPECT_EQ(Languages()[0].code, "en");
  EXPECT_EQ(Languages()[98].code, "su");
}

}  // namespace
}  // namespace rules_inference::infer
