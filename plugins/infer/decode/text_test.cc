#include "plugins/infer/decode/text.h"

#include <cstddef>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "plugins/infer/decode/compression_ratio.h"
#include "plugins/infer/decode/rounding.h"

namespace rules_inference::infer {
namespace {

// As Python's bytes.decode("utf-8", "replace") has it.
TEST(ToValidUtf8Test, ReplacesWhatIsNoCharacter) {
  EXPECT_EQ(ToValidUtf8("añ€😀"), "añ€😀");
  EXPECT_EQ(ToValidUtf8("a\xff"
                        "b"),
            "a\uFFFDb");
  EXPECT_EQ(ToValidUtf8("\xe2\x82"), "\uFFFD");
  EXPECT_EQ(ToValidUtf8("\xe2\x82"
                        "x"),
            "\uFFFDx");
  EXPECT_EQ(ToValidUtf8("\xf0\x9f\x98"), "\uFFFD");
  EXPECT_EQ(ToValidUtf8("\xc0\xaf"), "\uFFFD\uFFFD");
  EXPECT_EQ(ToValidUtf8("\xe0\x80\xaf"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(ToValidUtf8("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(ToValidUtf8("\xf4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(CharacterEndsTest, CountsBytes) {
  EXPECT_EQ(CharacterEnds("a\xe2\x82\xac\xe2\x82z"), (std::vector<size_t>{1, 4, 6, 7}));
}

TEST(UnfinishedBytesTest, CountsWhatMayGoOn) {
  EXPECT_EQ(UnfinishedBytes(""), 0U);
  EXPECT_EQ(UnfinishedBytes("abc€"), 0U);
  EXPECT_EQ(UnfinishedBytes("abc\xe2\x82"), 2U);
  EXPECT_EQ(UnfinishedBytes("\xf0"), 1U);
  EXPECT_EQ(UnfinishedBytes("\xf0\x9f\x98"), 3U);
  EXPECT_EQ(UnfinishedBytes("\xff"), 0U);
  EXPECT_EQ(UnfinishedBytes("\xe0\x80"), 0U);
}

TEST(StripTest, TakesWhiteSpaceOfUnicode) {
  EXPECT_EQ(Strip(" \t\u3000 a b\u00a0\n"), "a b");
  EXPECT_EQ(Strip("  "), "");
  EXPECT_EQ(Strip(""), "");
}

// Lengths of Python's zlib.compress.
TEST(CompressionRatioTest, IsThatOfPython) {
  EXPECT_EQ(CompressionRatio(""), 0);
  EXPECT_EQ(CompressionRatio("a"), 1.0 / 9);
  EXPECT_EQ(CompressionRatio(std::string(1000, 'a')), 1000.0 / 17);
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>('a' + i * i % 26);
  EXPECT_EQ(CompressionRatio(text), 300.0 / 39);
}

// Of Python's round().
TEST(RoundingTest, IsThatOfPython) {
  EXPECT_EQ(RoundToHundredths(2.675), 2.67);
  EXPECT_EQ(RoundToHundredths(0.125), 0.12);
  EXPECT_EQ(RoundToHundredths(0.375), 0.38);
  EXPECT_EQ(RoundToHundredths(1.005), 1.0);
  EXPECT_EQ(RoundToHundredths(1234.56), 1234.56);
  EXPECT_EQ(RoundToInt(0.5), 0);
  EXPECT_EQ(RoundToInt(1.5), 2);
  EXPECT_EQ(RoundToInt(2.5), 2);
}

}  // namespace
}  // namespace rules_inference::infer
