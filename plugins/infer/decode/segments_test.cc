#include "plugins/infer/decode/segments.h"

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tokenizer.h"

namespace rules_inference::infer {
namespace {

const SpecialTokens kSpecial(51865);

TokenId At(double seconds) {
  return kSpecial.first_timestamp + static_cast<TokenId>(seconds * 50 + 0.5);
}

// Of a window that begins at 10 s.
WindowSegments Cut(const std::vector<TokenId>& tokens, int size = 3000) {
  return CutSegments(kSpecial, tokens, 1000, size);
}

TEST(CutSegmentsTest, WithoutTimesTheWindowIsOneSegment) {
  const WindowSegments window = Cut({1, 2, 3}, 2000);
  ASSERT_EQ(window.segments.size(), 1U);
  EXPECT_EQ(window.segments[0].start, 10.0);
  EXPECT_EQ(window.segments[0].end, 30.0);
  EXPECT_EQ(window.segments[0].seek, 1000);
  EXPECT_EQ(window.segments[0].tokens, (std::vector<TokenId>{1, 2, 3}));
  EXPECT_EQ(window.advance, 2000);
  EXPECT_FALSE(window.ends_in_silence);
}

TEST(CutSegmentsTest, NoTokensAreOneSegment) {
  EXPECT_EQ(Cut({}).segments.size(), 1U);
  EXPECT_EQ(Cut({}).advance, 3000);
}

TEST(CutSegmentsTest, OneTimeAtTheEndEndsTheSegmentAndTheWindow) {
  const WindowSegments window = Cut({At(0), 1, At(2)});
  ASSERT_EQ(window.segments.size(), 1U);
  EXPECT_EQ(window.segments[0].start, 10.0);
  EXPECT_EQ(window.segments[0].end, 12.0);
  EXPECT_EQ(window.advance, 3000);
  EXPECT_TRUE(window.ends_in_silence);
}

TEST(CutSegmentsTest, TheFirstTimeAloneIsNotTheBegin) {
  // As in openai/whisper: the only time is the last one, too.
  const WindowSegments window = Cut({At(1), 1, 2});
  EXPECT_EQ(window.segments[0].start, 10.0);
  EXPECT_EQ(window.segments[0].end, 11.0);
}

TEST(CutSegmentsTest, ZeroTellsNoEnd) { EXPECT_EQ(Cut({At(0), 1, 2}, 500).segments[0].end, 15.0); }

TEST(CutSegmentsTest, WhatIsNotFinishedIsHeardAgain) {
  const WindowSegments window = Cut({At(0), 1, At(1.5), At(2), 2, At(3), At(3), 4});
  ASSERT_EQ(window.segments.size(), 2U);
  EXPECT_EQ(window.segments[0].tokens, (std::vector<TokenId>{At(0), 1, At(1.5)}));
  EXPECT_EQ(window.segments[1].start, 12.0);
  EXPECT_EQ(window.segments[1].end, 13.0);
  EXPECT_EQ(window.advance, 300);
  EXPECT_FALSE(window.ends_in_silence);
}

TEST(CutSegmentsTest, ASingleTimeFinishesTheLastSegment) {
  const WindowSegments window = Cut({At(0), 1, At(1.5), At(2), 2, At(3)}, 2500);
  ASSERT_EQ(window.segments.size(), 2U);
  EXPECT_EQ(window.segments[1].end, 13.0);
  EXPECT_EQ(window.advance, 2500);
  EXPECT_TRUE(window.ends_in_silence);
}

TEST(CutSegmentsTest, TwoTimesAtTheEndAreACut) {
  const WindowSegments window = Cut({At(0), 1, At(1.5), At(1.5)});
  ASSERT_EQ(window.segments.size(), 1U);
  EXPECT_EQ(window.advance, 150);
}

TEST(CutSegmentsTest, AlwaysAdvances) {
  // No rules allow it, but an engine may break them.
  EXPECT_EQ(Cut({At(0), At(0), 1}, 700).advance, 700);
}

class WriteTextsTest : public testing::Test {
 protected:
  // Ids are those of these tokens.
  WriteTextsTest() : tokenizer_(kTokens) {}

  std::vector<std::string> Texts(const std::vector<std::vector<TokenId>>& segments) {
    std::vector<Segment> all;
    for (const std::vector<TokenId>& tokens : segments) all.push_back({.tokens = tokens});
    WriteTexts(tokenizer_, kSpecial, all);
    std::vector<std::string> texts;
    for (const Segment& segment : all) texts.push_back(segment.text);
    return texts;
  }

  static const std::vector<absl::string_view> kTokens;
  const Tokenizer tokenizer_;
};

const std::vector<absl::string_view> WriteTextsTest::kTokens = {" a", "\xe2", "\x82", "\xac", "b"};

TEST_F(WriteTextsTest, LeavesTimesOut) {
  EXPECT_EQ(Texts({{At(0), 0, 4, At(1)}}), (std::vector<std::string>{" ab"}));
}

TEST_F(WriteTextsTest, ACharacterInTwoSegmentsIsInTheSecond) {
  EXPECT_EQ(Texts({{0, 1}, {2, 3, 4}}), (std::vector<std::string>{" a", "€b"}));
  EXPECT_EQ(Texts({{0, 1, 2, At(1)}, {At(1), 3, 4}}), (std::vector<std::string>{" a", "€b"}));
}

TEST_F(WriteTextsTest, WhatIsNoCharacterStays) {
  EXPECT_EQ(Texts({{0, 1, 2}, {4}}), (std::vector<std::string>{" a\uFFFD", "b"}));
  EXPECT_EQ(Texts({{0, 1, 2}}), (std::vector<std::string>{" a\uFFFD"}));
  EXPECT_EQ(Texts({{0}, {3, 4}}), (std::vector<std::string>{" a", "\uFFFDb"}));
}

TEST(IsBlankTest, WithoutTextOrTime) {
  EXPECT_TRUE(IsBlank({.start = 1, .end = 2, .text = " \n"}));
  EXPECT_TRUE(IsBlank({.start = 1, .end = 1, .text = "a"}));
  EXPECT_FALSE(IsBlank({.start = 1, .end = 2, .text = "a"}));
}

}  // namespace
}  // namespace rules_inference::infer
