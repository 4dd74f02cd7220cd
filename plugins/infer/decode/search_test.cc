// Greedy, beams and random draws on logits by hand.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/decode/beam.h"
#include "plugins/infer/decode/candidates.h"
#include "plugins/infer/decode/greedy.h"
#include "plugins/infer/decode/sampling.h"
#include "plugins/infer/decode/scripted_engine.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

constexpr TokenId kEnd = 50257;
constexpr TokenId kStart = 50258;
constexpr TokenId kNoSpeech = 50362;

using Tokens = std::vector<TokenId>;

// Probabilities of what may follow; nothing else may. The one token of the prompt is not in
// `tokens`.
using Next = std::vector<std::pair<TokenId, double>>;
using Tree = std::function<Next(const Tokens& tokens)>;

std::unique_ptr<ScriptedEngine> EngineOf(const Tree& tree) {
  return std::make_unique<ScriptedEngine>(
      *SizeOf("test"), [tree](int, absl::Span<const TokenId> tokens, absl::Span<float> logits) {
        for (float& logit : logits) logit = -std::numeric_limits<float>::infinity();
        for (const auto& [token, probability] : tree({tokens.begin() + 1, tokens.end()})) {
          LogitOf(logits, token) = static_cast<float>(std::log(probability));
        }
      });
}

class SearchTest : public testing::Test {
 protected:
  Candidates Beams(const Tree& tree, int size, int wanted, int max_tokens = 10) {
    engine_ = EngineOf(tree);
    return DecodeByBeams(*engine_, *Window(), {.tokens = {kStart}, .max_tokens = max_tokens},
                         rules_, size, wanted)
        .value();
  }

  Candidates Samples(const Tree& tree, const RandomStream& stream, int count, int max_tokens = 10) {
    engine_ = EngineOf(tree);
    return DecodeBySampling(*engine_, *Window(), {.tokens = {kStart}, .max_tokens = max_tokens},
                            rules_, stream, count)
        .value();
  }

  const EncodedWindow* Window() {
    window_ = std::move(engine_->Encode({absl::Span<const float>()}).value()[0]);
    return window_.get();
  }

  LogitRules rules_ = {.special = SpecialTokens(51865), .timestamps = false};
  std::unique_ptr<ScriptedEngine> engine_;
  std::unique_ptr<EncodedWindow> window_;
};

// Token 1 is likelier than 2, but what follows 2 is surer.
Next Deceptive(const Tokens& tokens) {
  if (tokens.empty()) return {{1, 0.6}, {2, 0.4}};
  if (tokens.size() == 2) return {{kEnd, 1}};
  if (tokens[0] == 1) return {{3, 0.3}, {4, 0.25}, {5, 0.25}, {6, 0.2}};
  return {{7, 0.9}, {8, 0.1}};
}

TEST_F(SearchTest, GreedyTakesTheLikeliest) {
  engine_ = EngineOf(Deceptive);
  const std::unique_ptr<Decoding> decoding = engine_->NewDecoding(*Window(), 1).value();
  GreedyDecoding greedy = {
      .decoding = decoding.get(), .prompt = {kStart}, .max_tokens = 10, .rules = &rules_};
  ASSERT_TRUE(DecodeGreedyByStep(*engine_, absl::MakeSpan(&greedy, 1)).ok());
  EXPECT_EQ(greedy.tokens, Tokens({1, 3}));
  EXPECT_NEAR(greedy.sum_log_probability, std::log(0.6 * 0.3), 1e-6);
}

TEST_F(SearchTest, GreedyDecodingsOfDifferentLengthsGoTogether) {
  engine_ = EngineOf([](const Tokens& tokens) -> Next {
    return {{tokens.size() < static_cast<size_t>(tokens.empty() ? 9 : tokens[0]) ? 5 : kEnd, 1}};
  });
  const EncodedWindow* const window = Window();
  std::vector<std::unique_ptr<Decoding>> decodings;
  std::vector<GreedyDecoding> greedy;
  for (const TokenId length : {4, 2, 9}) {
    decodings.push_back(engine_->NewDecoding(*window, 1).value());
    greedy.push_back({.decoding = decodings.back().get(),
                      .prompt = {kStart, length},
                      .max_tokens = 6,
                      .rules = &rules_});
  }
  ASSERT_TRUE(DecodeGreedyByStep(*engine_, absl::MakeSpan(greedy)).ok());
  EXPECT_EQ(greedy[0].tokens.size(), 3U);
  EXPECT_EQ(greedy[1].tokens.size(), 1U);
  EXPECT_EQ(greedy[2].tokens.size(), 6U);
}

TEST_F(SearchTest, NoSpeechIsAskedBehindTheStart) {
  engine_ = EngineOf([](const Tokens& tokens) -> Next {
    if (tokens == Tokens{kStart}) return {{kNoSpeech, 0.7}, {1, 0.3}};
    return {{kEnd, 1}};
  });
  const std::unique_ptr<Decoding> decoding = engine_->NewDecoding(*Window(), 1).value();
  GreedyDecoding greedy = {.decoding = decoding.get(),
                           .prompt = {50361, kStart, 50259},
                           .start = 1,
                           .max_tokens = 10,
                           .rules = &rules_};
  ASSERT_TRUE(DecodeGreedyByStep(*engine_, absl::MakeSpan(&greedy, 1)).ok());
  EXPECT_NEAR(greedy.no_speech_probability, 0.7, 1e-6);
}

TEST_F(SearchTest, ErrorsOfTheEngineAreTold) {
  engine_ = EngineOf(Deceptive);
  const EncodedWindow* const window = Window();
  engine_->fail_with = absl::ResourceExhaustedError("full");
  EXPECT_EQ(DecodeByBeams(*engine_, *window, {.tokens = {kStart}, .max_tokens = 3}, rules_, 2, 2)
                .status()
                .message(),
            "full");
}

TEST_F(SearchTest, BeamsFindWhatIsLikelierAsAWhole) {
  const Candidates found = Beams(Deceptive, 2, 2);
  ASSERT_EQ(found.sequences.size(), 2U);
  EXPECT_EQ(found.sequences[0].tokens, Tokens({2, 7}));
  EXPECT_NEAR(found.sequences[0].sum_log_probability, std::log(0.36), 1e-6);
  EXPECT_EQ(found.sequences[1].tokens, Tokens({1, 3}));
}

TEST_F(SearchTest, BeamsShareTheirParents) {
  // Both beams come from the same token.
  Beams(
      [](const Tokens& tokens) -> Next {
        if (tokens.empty()) return {{1, 0.98}, {2, 0.02}};
        if (tokens.size() == 1) return {{3, 0.5}, {4, 0.5}};
        return {{kEnd, 1}};
      },
      2, 2);
  EXPECT_EQ(engine_->rows, std::vector<int>({1, 2, 2}));
}

TEST_F(SearchTest, PatienceWaitsForMore) {
  const Tree tree = [](const Tokens& tokens) -> Next {
    return {{kEnd, 0.5}, {static_cast<TokenId>(tokens.size()) + 1, 0.3}, {100, 0.2}};
  };
  EXPECT_EQ(Beams(tree, 2, 1).sequences.size(), 2U);
  EXPECT_EQ(engine_->rows.size(), 1U);
  EXPECT_EQ(Beams(tree, 2, 6).sequences.size(), 6U);
}

TEST_F(SearchTest, UnfinishedBeamsFillUp) {
  const Tree tree = [](const Tokens&) -> Next { return {{1, 0.6}, {2, 0.4}}; };
  const Candidates found = Beams(tree, 3, 3, /*max_tokens=*/4);
  ASSERT_EQ(found.sequences.size(), 3U);
  EXPECT_EQ(found.sequences[0].tokens, Tokens({1, 1, 1, 1}));
}

TEST_F(SearchTest, FewerContinuationsThanBeams) {
  const Candidates found = Beams(
      [](const Tokens& tokens) -> Next {
        return {{tokens.size() < 3 ? 1 : kEnd, 1}};
      },
      5, 5);
  ASSERT_EQ(found.sequences.size(), 1U);
  EXPECT_EQ(found.sequences[0].tokens, Tokens({1, 1, 1}));
}

TEST(BestOfTest, DividesByLengthOrPenalty) {
  const std::vector<Candidate> sequences = {{{1, 2, 3, 4}, -4.0}, {{1}, -1.2}, {{1, 2}, -2.0}};
  // Means: -1, -1.2, -1; the first of the best.
  EXPECT_EQ(BestOf(sequences, std::nullopt).tokens.size(), 4U);
  EXPECT_EQ(BestOf(sequences, 0.0F).tokens.size(), 1U);
  EXPECT_EQ(BestOf({{{}, -0.5}, {{1}, -0.6}}, std::nullopt).tokens.size(), 0U);
}

Next Three(const Tokens& tokens) {
  if (tokens.size() == 3) return {{kEnd, 1}};
  return {{10, 0.5}, {11, 0.3}, {12, 0.2}};
}

TEST_F(SearchTest, SamplesOfASeedAreTheSame) {
  const RandomStream stream = {.seed = 5, .seek = 100, .temperature = 0.8F};
  const Candidates a = Samples(Three, stream, 5);
  const Candidates b = Samples(Three, stream, 5);
  const Candidates fewer = Samples(Three, stream, 2);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(a.sequences[i].tokens, b.sequences[i].tokens);
  // A row does not depend on its neighbours.
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(a.sequences[i].tokens, fewer.sequences[i].tokens);
}

TEST_F(SearchTest, SamplesOfOtherStreamsDiffer) {
  const auto all = [&](const RandomStream& stream) {
    Tokens tokens;
    for (const Candidate& candidate : Samples(Three, stream, 8).sequences) {
      tokens.insert(tokens.end(), candidate.tokens.begin(), candidate.tokens.end());
    }
    return tokens;
  };
  const Tokens first = all({.seed = 1, .seek = 0, .temperature = 1});
  EXPECT_NE(first, all({.seed = 2, .seek = 0, .temperature = 1}));
  EXPECT_NE(first, all({.seed = 1, .seek = 1, .temperature = 1}));
}

TEST_F(SearchTest, RowsThatEndedAreNotComputed) {
  const auto tree = [](const Tokens& tokens) -> Next {
    if (tokens.empty()) return {{1, 0.5}, {2, 0.5}};
    if (tokens[0] == 1 || tokens.size() == 3) return {{kEnd, 1}};
    return {{3, 1}};
  };
  const Candidates found = Samples(tree, {.seed = 3, .seek = 0, .temperature = 1}, 8);
  int longer = 0;
  for (const Candidate& candidate : found.sequences) longer += candidate.tokens.size() == 3;
  EXPECT_EQ(engine_->rows, std::vector<int>({1, 8, longer, longer}));
  EXPECT_NEAR(found.sequences[0].sum_log_probability, std::log(0.5), 1e-6);
}

// 20,000 draws against their probabilities: chi-squared with two degrees of freedom is below 13.8
// in 999 cases of 1000.
TEST(DrawTokenTest, DrawsByProbabilityAndTemperature) {
  const std::array<double, 3> probabilities = {0.6, 0.3, 0.1};
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  for (const float temperature : {0.4F, 1.0F, 2.0F}) {
    std::array<double, 3> expected;
    double total = 0;
    for (size_t i = 0; i < 3; ++i) {
      total += expected[i] = std::pow(probabilities[i], 1 / static_cast<double>(temperature));
    }
    std::array<int, 3> counts = {};
    constexpr int kDraws = 20000;
    for (uint64_t i = 0; i < kDraws; ++i) {
      const RandomStream stream = {.seed = 9, .seek = i % 7, .temperature = temperature};
      ++counts[static_cast<size_t>(DrawToken(logits, temperature, UniformAt(stream, i % 5, i)))];
    }
    double chi_squared = 0;
    for (size_t i = 0; i < 3; ++i) {
      const double mean = kDraws * expected[i] / total;
      chi_squared += (counts[i] - mean) * (counts[i] - mean) / mean;
    }
    EXPECT_LT(chi_squared, 13.8) << temperature;
  }
}

TEST(DrawTokenTest, NeverDrawsWhatIsForbidden) {
  const float never = -std::numeric_limits<float>::infinity();
  const std::vector<float> logits = {never, 0, never};
  EXPECT_EQ(DrawToken(logits, 1, 0), 1);
  EXPECT_EQ(DrawToken(logits, 1, std::nextafter(1.0, 0.0)), 1);
}

TEST(UniformAtTest, IsTheSameOnAllMachines) {
  EXPECT_EQ(UniformAt({.seed = 0, .seek = 0, .temperature = 0.2F}, 0, 0), 0x1.81215a64192c4p-3);
}

}  // namespace
}  // namespace rules_inference::infer
