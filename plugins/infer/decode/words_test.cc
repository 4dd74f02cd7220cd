// Words and their times: splitting, alignment, punctuation, places; and what looks made up.

#include <cstddef>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/decode/alignment_costs.h"
#include "plugins/infer/decode/alignment_heads.h"
#include "plugins/infer/decode/dtw.h"
#include "plugins/infer/decode/hallucination.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/decode/word_split.h"
#include "plugins/infer/decode/word_times.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/test_model.h"
#include "plugins/infer/tokenizer.h"

namespace rules_inference::infer {
namespace {

using Strings = std::vector<std::string>;

Strings Split(const std::vector<absl::string_view>& tokens, bool has_spaces) {
  const Tokenizer tokenizer(tokens);
  std::vector<TokenId> ids;
  for (size_t i = 0; i < tokens.size(); ++i) ids.push_back(static_cast<TokenId>(i));
  Strings texts;
  size_t count = 0;
  for (const TokenWord& word : SplitTokens(tokenizer, ids, has_spaces)) {
    texts.push_back(word.text);
    count += word.tokens.size();
  }
  EXPECT_EQ(count, tokens.size());
  return texts;
}

TEST(SplitTokensTest, AtSpacesAndPunctuation) {
  EXPECT_EQ(Split({" Hel", "lo", ",", " wor", "ld", "!", "x"}, true),
            Strings({" Hello", ",", " world", "!x"}));
}

TEST(SplitTokensTest, TheFirstNeedsNoSpace) {
  EXPECT_EQ(Split({"Hel", "lo", " a"}, true), Strings({"Hello", " a"}));
}

TEST(SplitTokensTest, AtCharactersWhereThereAreNoSpaces) {
  EXPECT_EQ(Split({"你", "\xe5\xa5", "\xbd", " a", "b"}, false), Strings({"你", "好", " a", "b"}));
}

// The example of openai/whisper's own test: a byte that is no character stands alone.
TEST(SplitTokensTest, BytesThatAreNoCharacter) {
  EXPECT_EQ(Split({" elle", " est", " l", "'", "\xff", "é", "rit"}, false),
            Strings({" elle", " est", " l", "'", "\uFFFD", "é", "rit"}));
  EXPECT_EQ(Split({"\xe2", "a", "\xe2", "\x82"}, false), Strings({"\uFFFD", "a", "\uFFFD"}));
}

TEST(HasSpacesTest, ByLanguage) {
  for (const absl::string_view code : {"zh", "ja", "th", "lo", "my", "yue"}) {
    EXPECT_FALSE(HasSpaces(*FindLanguage(code))) << code;
  }
  EXPECT_TRUE(HasSpaces(*FindLanguage("en")));
  EXPECT_TRUE(HasSpaces(*FindLanguage("ko")));
}

TEST(DtwTest, FollowsTheCheapest) {
  EXPECT_EQ(FirstColumns({1, 5, 5, 5, 1, 1}, 3), std::vector<int>({0, 1}));
  EXPECT_EQ(FirstColumns({1, 1, 5, 5, 5, 1}, 3), std::vector<int>({0, 2}));
  // More rows than columns: some share one.
  EXPECT_EQ(FirstColumns({1, 9, 1, 9, 9, 1}, 2), std::vector<int>({0, 0, 1}));
  EXPECT_EQ(FirstColumns({3}, 1), std::vector<int>({0}));
}

TEST(MedianFilterTest, MirrorsTheEnds) {
  EXPECT_EQ(MedianFilter(std::vector<double>{0, 9, 0, 0, 0, 0, 9, 9, 9}),
            std::vector<double>({0, 0, 0, 0, 0, 0, 9, 9, 9}));
  EXPECT_EQ(MedianFilter(std::vector<double>{5, 1, 7}), std::vector<double>({5, 1, 7}));
}

TEST(AlignmentCostsTest, WhereOneLooksIsCheap) {
  // Two tokens, eight frames: each looks at a half of its own. At no frame do both look alike.
  std::vector<float> scores;
  for (int i = 0; i < 16; ++i) scores.push_back(i < 4 || i >= 12 ? 5.0F : 0.0F);
  const std::vector<double> costs = AlignmentCosts(scores, 2, 8);
  EXPECT_NEAR(costs[0], -1, 1e-9);
  EXPECT_NEAR(costs[7], 1, 1e-9);
  EXPECT_NEAR(costs[8], 1, 1e-9);
  EXPECT_NEAR(costs[15], -1, 1e-9);
}

TEST(AlignmentCostsTest, WhereAllLookAlikeTellsNothing) {
  for (const double cost : AlignmentCosts(std::vector<float>(20, 3.0F), 2, 5)) EXPECT_EQ(cost, 0);
}

TEST(AlignmentHeadsTest, BySizeOrName) {
  EXPECT_EQ(AlignmentHeadsOf(*SizeOf("base.en")),
            (std::vector<Head>{{3, 3}, {4, 7}, {5, 1}, {5, 5}, {5, 7}}));
  EXPECT_EQ(AlignmentHeadsOf(*SizeOf("turbo")),
            (std::vector<Head>{{2, 4}, {2, 11}, {3, 3}, {3, 6}, {3, 11}, {3, 14}}));
  EXPECT_EQ(AlignmentHeadsOf(*SizeOf("large-v2")).size(), 23U);
  EXPECT_EQ(AlignmentHeadsOf("large-v1")->size(), 9U);
  EXPECT_EQ(AlignmentHeadsOf("enormous"), std::nullopt);
  // Of no released size: the upper half.
  EXPECT_EQ(AlignmentHeadsOf(*SizeOf("test")), (std::vector<Head>{{1, 0}}));
}

// tests/manual/oracle.sh writes the tables of openai/whisper.
TEST(AlignmentHeadsTest, ThoseOfOpenAiWhisper) {
  std::ifstream in("plugins/infer/decode/testdata/alignment_heads.txt");
  int models = 0;
  for (std::string line; std::getline(in, line); ++models) {
    const Strings words = absl::StrSplit(line, ' ');
    const auto heads = AlignmentHeadsOf(words[0]);
    ASSERT_TRUE(heads.has_value()) << words[0];
    Strings ours = {words[0]};
    for (const Head& head : *heads) ours.push_back(absl::StrCat(head.layer, ".", head.head));
    EXPECT_EQ(ours, words);
  }
  EXPECT_EQ(models, 14);
}

std::vector<TimedWord> Words(const Strings& texts) {
  std::vector<TimedWord> words;
  for (const std::string& text : texts) {
    const auto i = static_cast<double>(words.size());
    words.push_back({.text = text,
                     .tokens = {static_cast<TokenId>(words.size())},
                     .start = i,
                     .end = i + 1,
                     .probability = 0.5});
  }
  return words;
}

Strings Merged(const Strings& texts) {
  std::vector<TimedWord> words = Words(texts);
  const TranscribeOptions options;
  MergePunctuation(options.prepend_punctuations, options.append_punctuations,
                   absl::MakeSpan(words));
  Strings merged;
  for (const TimedWord& word : words) {
    if (!word.text.empty()) merged.push_back(word.text);
  }
  return merged;
}

TEST(MergePunctuationTest, GoesToItsNeighbour) {
  EXPECT_EQ(Merged({" a", ",", " \"", " b", ".", "\"", " c"}), Strings({" a,", " \" b.\"", " c"}));
  EXPECT_EQ(Merged({" (", " ¿", " a", "?", ")"}), Strings({" ( ¿ a?)"}));
  EXPECT_EQ(Merged({"."}), Strings({"."}));
  EXPECT_EQ(Merged({}), Strings());
}

TEST(DurationsTest, MedianOfWhatLastsAtMost07) {
  std::vector<TimedWord> words = Words({"a", "b", "c", "d"});
  words[0].end = words[0].start;
  words[1].end = words[1].start + 0.25;
  words[2].end = words[2].start + 0.5;
  EXPECT_EQ(DurationsOf(words).median, 0.5);
  words[3].end = words[3].start;
  EXPECT_EQ(DurationsOf(words).median, 0.375);
  EXPECT_EQ(DurationsOf(Words({"a"})).median, 0.7);
  EXPECT_EQ(DurationsOf({}).median, 0);
}

TEST(TrimAtSentenceEndsTest, MarksAndWhatFollowsThem) {
  std::vector<TimedWord> words = Words({" a", ".", " b", " c"});
  TrimAtSentenceEnds({.median = 0.25, .longest = 0.5}, absl::MakeSpan(words));
  EXPECT_EQ(words[1].end, 1.5);
  EXPECT_EQ(words[2].start, 2.5);
  EXPECT_EQ(words[3].start, 3);
  EXPECT_EQ(words[0].end, 1);
}

Segment SegmentOf(double start, double end, int tokens) {
  return {
      .start = start, .end = end, .tokens = std::vector<TokenId>(static_cast<size_t>(tokens), 1)};
}

TEST(PlaceWordsTest, SegmentsTakeTheTimesOfTheirWords) {
  const std::vector<TimedWord> words = Words({" a", " b", " c"});
  std::vector<Segment> segments = {SegmentOf(0.2, 1.9, 2), SegmentOf(2, 3.1, 1)};
  PlaceWords(SpecialTokens(51865), words, {.median = 1, .longest = 2}, 0, absl::MakeSpan(segments));
  ASSERT_EQ(segments[0].words.size(), 2U);
  EXPECT_EQ(segments[0].start, 0);
  EXPECT_EQ(segments[0].end, 2);
  ASSERT_EQ(segments[1].words.size(), 1U);
  EXPECT_EQ(segments[1].words[0].text, " c");
  EXPECT_EQ(segments[1].end, 3);
}

TEST(PlaceWordsTest, AFirstWordThatIsTooEarlyBeginsWithTheSegment) {
  const std::vector<TimedWord> words = Words({" a"});
  std::vector<Segment> segments = {SegmentOf(0.7, 1, 1)};
  PlaceWords(SpecialTokens(51865), words, {.median = 0.2, .longest = 2}, 0,
             absl::MakeSpan(segments));
  EXPECT_EQ(segments[0].words[0].start, 0.7);
  EXPECT_EQ(segments[0].start, 0.7);
}

TEST(PlaceWordsTest, ALastWordThatIsTooLateEndsWithTheSegment) {
  const std::vector<TimedWord> words = Words({" a", " b"});
  std::vector<Segment> segments = {SegmentOf(0, 1.4, 2)};
  PlaceWords(SpecialTokens(51865), words, {.median = 0.2, .longest = 2}, 0,
             absl::MakeSpan(segments));
  EXPECT_EQ(segments[0].words[1].end, 1.4);
}

TEST(PlaceWordsTest, TheFirstWordBehindAPauseIsCut) {
  const std::vector<TimedWord> words = Words({" a", " b"});
  std::vector<Segment> segments = {SegmentOf(0, 2, 2)};
  segments[0].seek = 1000;
  PlaceWords(SpecialTokens(51865), words, {.median = 0.1, .longest = 0.2}, 5,
             absl::MakeSpan(segments));
  // The second is too long as well: the boundary moves to its end.
  EXPECT_NEAR(segments[0].words[0].start, 11.6, 1e-9);
  EXPECT_NEAR(segments[0].words[0].end, 11.8, 1e-9);
  EXPECT_NEAR(segments[0].words[1].start, 11.8, 1e-9);
}

Segment Spoken(double start, double end, float probability, int words = 1) {
  Segment segment = {.start = start, .end = end};
  for (int i = 0; i < words; ++i) {
    segment.words.push_back({.text = " a", .start = start, .end = end, .probability = probability});
  }
  return segment;
}

TEST(IsAnomalousTest, ImprobableShortOrLongWords) {
  EXPECT_FALSE(IsAnomalous({}));
  EXPECT_FALSE(IsAnomalous(Spoken(1, 1.5, 0.9F)));
  EXPECT_TRUE(IsAnomalous(Spoken(1, 1.5, 0.1F)));
  EXPECT_TRUE(IsAnomalous(Spoken(1, 1.05, 0.9F)));
  EXPECT_TRUE(IsAnomalous(Spoken(1, 4.1, 0.9F)));
  Segment mixed = Spoken(1, 1.5, 0.9F, 8);
  mixed.words.push_back({.text = " b", .start = 1, .end = 9, .probability = 0});
  EXPECT_FALSE(IsAnomalous(mixed));  // Only the first eight count.
}

TEST(EndOfTest, OfTheLastWordOrSegment) {
  EXPECT_EQ(EndOf({}), std::nullopt);
  EXPECT_EQ(EndOf({SegmentOf(1, 2, 1)}), 2);
  EXPECT_EQ(EndOf({Spoken(1, 2, 1), SegmentOf(3, 4, 1)}), 2);
}

constexpr WindowPlace kPlace = {.seek = 1000, .size = 3000, .frames = 3000, .content_frames = 9000};

TEST(SkipLeadingSilenceTest, OnlyBeforeWhatLooksMadeUp) {
  EXPECT_EQ(SkipLeadingSilence({Spoken(14, 14.5, 0.01F)}, kPlace, 2), 1400);
  EXPECT_EQ(SkipLeadingSilence({Spoken(11, 11.5, 0.01F)}, kPlace, 2), std::nullopt);
  EXPECT_EQ(SkipLeadingSilence({Spoken(14, 14.5, 0.9F)}, kPlace, 2), std::nullopt);
  EXPECT_EQ(SkipLeadingSilence({SegmentOf(14, 15, 1)}, kPlace, 2), std::nullopt);
}

TEST(DropSurroundedBySilenceTest, DropsFromThereOn) {
  std::vector<Segment> segments = {Spoken(11, 12, 0.9F), Spoken(20, 20.5, 0.01F),
                                   Spoken(30, 31, 0.9F)};
  EXPECT_EQ(DropSurroundedBySilence(segments, kPlace, 2, 9), 2000);
  EXPECT_EQ(segments.size(), 1U);
}

TEST(DropSurroundedBySilenceTest, KeepsWhatHasNeighbours) {
  std::vector<Segment> segments = {Spoken(13, 14, 0.9F), Spoken(14.5, 15, 0.01F),
                                   Spoken(16, 17, 0.9F)};
  EXPECT_EQ(DropSurroundedBySilence(segments, kPlace, 2, 9), std::nullopt);
  EXPECT_EQ(segments.size(), 3U);
}

TEST(DropSurroundedBySilenceTest, EndsTheSoundIfOnlySilenceIsLeft) {
  std::vector<Segment> segments = {Spoken(39, 39.5, 0.01F)};
  WindowPlace place = kPlace;
  place.content_frames = 4000;
  EXPECT_EQ(DropSurroundedBySilence(segments, place, 2, 9), 4000);
}

}  // namespace
}  // namespace rules_inference::infer
