#include "plugins/infer/decode/logit_filter.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

constexpr int kVocab = 51865;
constexpr TokenId kEnd = 50257;
constexpr TokenId kTime = 50364;  // 0.00.
constexpr TokenId kWord = 1000;

LogitRules Rules() { return {.special = SpecialTokens(kVocab)}; }

class LogitFilterTest : public testing::Test {
 protected:
  // Text is likelier than all times together, but for those of a test.
  LogitFilterTest() : logits_(kVocab, 0.0F) { At(kWord) = 20; }

  float& At(TokenId id) { return logits_[static_cast<size_t>(id)]; }
  bool IsForbidden(TokenId id) { return At(id) == -std::numeric_limits<float>::infinity(); }

  void Apply(const LogitRules& rules, const std::vector<TokenId>& sampled) {
    ApplyRules(rules, sampled, absl::MakeSpan(logits_));
  }

  std::vector<float> logits_;
};

TEST_F(LogitFilterTest, SuppressesAlways) {
  LogitRules rules = Rules();
  rules.suppressed = {7, 9};
  rules.timestamps = false;
  Apply(rules, {1, 2, 3});
  EXPECT_TRUE(IsForbidden(7) && IsForbidden(9));
  EXPECT_FALSE(IsForbidden(8));
  EXPECT_FALSE(IsForbidden(kTime));
}

TEST_F(LogitFilterTest, SuppressesBlanksAtFirstOnly) {
  LogitRules rules = Rules();
  rules.suppressed_first = {220, kEnd};
  rules.timestamps = false;
  Apply(rules, {1});
  EXPECT_FALSE(IsForbidden(220) || IsForbidden(kEnd));
  Apply(rules, {});
  EXPECT_TRUE(IsForbidden(220) && IsForbidden(kEnd));
}

TEST_F(LogitFilterTest, BeginsWithAnEarlyTime) {
  Apply(Rules(), {});
  EXPECT_TRUE(IsForbidden(kWord) && IsForbidden(kEnd) && IsForbidden(kTime - 1));
  EXPECT_FALSE(IsForbidden(kTime) || IsForbidden(kTime + 50));
  EXPECT_TRUE(IsForbidden(kTime + 51) && IsForbidden(kVocab - 1));
}

TEST_F(LogitFilterTest, MayBeginWithAnyTime) {
  LogitRules rules = Rules();
  rules.max_initial_steps.reset();
  Apply(rules, {});
  EXPECT_FALSE(IsForbidden(kVocab - 1));
}

TEST_F(LogitFilterTest, TextFollowsTheFirstTime) {
  Apply(Rules(), {kTime + 3});
  EXPECT_FALSE(IsForbidden(kWord) || IsForbidden(kEnd));
  EXPECT_TRUE(IsForbidden(kTime) && IsForbidden(kVocab - 1));
}

TEST_F(LogitFilterTest, TextFollowsTwoTimes) {
  Apply(Rules(), {kTime, kWord, kTime + 3, kTime + 3});
  EXPECT_FALSE(IsForbidden(kWord));
  EXPECT_TRUE(IsForbidden(kTime + 3) && IsForbidden(kVocab - 1));
}

TEST_F(LogitFilterTest, TimeOrTheEndFollowsATimeBehindText) {
  Apply(Rules(), {kTime, kWord, kTime + 3});
  EXPECT_TRUE(IsForbidden(kWord) && IsForbidden(kEnd - 1));
  EXPECT_TRUE(IsForbidden(kTime + 2));
  // The next segment may begin where this one ends.
  EXPECT_FALSE(IsForbidden(kTime + 3) || IsForbidden(kVocab - 1));
}

TEST_F(LogitFilterTest, SegmentsLastSomeTime) {
  Apply(Rules(), {kTime + 3, kWord});
  EXPECT_TRUE(IsForbidden(kTime + 3));
  EXPECT_FALSE(IsForbidden(kTime + 4));
}

TEST_F(LogitFilterTest, TimesAreTakenWhenTogetherTheyAreLikelier) {
  // 1497 times of logit 0: their sum is worth 7.3.
  At(kWord) = 7.2F;
  Apply(Rules(), {kTime + 3, kWord});
  EXPECT_TRUE(IsForbidden(kWord) && IsForbidden(kEnd));
}

TEST_F(LogitFilterTest, TextIsTakenWhenOneTokenIsLikelier) {
  At(kWord) = 7.4F;
  Apply(Rules(), {kTime + 3, kWord});
  EXPECT_FALSE(IsForbidden(kWord));
}

TEST_F(LogitFilterTest, NoTimestampsIsNeverSampled) {
  Apply(Rules(), {kTime, kWord});
  EXPECT_TRUE(IsForbidden(50363));
}

TEST(LogSumExpTest, IsExactEnoughForLargeLogits) {
  EXPECT_NEAR(LogSumExp(std::vector<float>{1000, 1000}), 1000 + std::log(2), 1e-9);
  EXPECT_EQ(LogSumExp({}), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(LogSumExp(std::vector<float>{-std::numeric_limits<float>::infinity()}),
            -std::numeric_limits<double>::infinity());
}

TEST(LogSumExpTest, IsThatOfTheStandardLibrary) {
  std::vector<float> logits;
  for (int i = 0; i < kVocab; ++i) logits.push_back(static_cast<float>(i * 7919 % 4001) / 100 - 25);
  logits[100] = -std::numeric_limits<float>::infinity();
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
  EXPECT_NEAR(LogSumExp(logits), std::log(sum), 1e-6);
}

TEST(LikeliestTest, IsTheFirstOfEqualOnes) {
  EXPECT_EQ(Likeliest(std::vector<float>{1, 3, 3, 2}), 1);
}

}  // namespace
}  // namespace rules_inference::infer
