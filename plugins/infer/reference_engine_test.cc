#include "plugins/infer/reference_engine.h"

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/reference.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tensor_type.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

class ReferenceEngineTest : public testing::Test {
 protected:
  ReferenceEngineTest() {
    Hyperparameters parameters = *SizeOf("test");
    parameters.audio_context = 40;
    bytes_ = MadeModel({parameters, TensorType::kF32, 3});
    file_ = std::make_unique<ModelFile>(ModelFile::Parse(bytes_, "m.bin").value());
    engine_ = NewReferenceEngine(*file_);
    for (int i = 0; i < 80 * 80; ++i) mel_.push_back(std::sin(0.37F * static_cast<float>(i)));
    const absl::Span<const float> window = mel_;
    window_ = std::move(engine_->Encode({window}).value()[0]);
  }

  // Logits of what follows `tokens`, without an engine.
  std::vector<double> Expected(const std::vector<TokenId>& tokens) const {
    const Reference reference(*file_);
    const Matrix logits = reference.Decode(tokens, reference.Encode(mel_));
    const double* row = logits.row(logits.rows - 1);
    return {row, row + logits.columns};
  }

  std::unique_ptr<Decoding> NewDecoding(int rows) {
    return engine_->NewDecoding(*window_, rows).value();
  }

  std::string MessageOf(DecodeStep step) {
    return std::string(engine_->Decode(absl::MakeSpan(&step, 1)).message());
  }

  std::string bytes_;
  std::unique_ptr<ModelFile> file_;
  std::unique_ptr<Engine> engine_;
  std::vector<float> mel_;
  std::unique_ptr<EncodedWindow> window_;
};

TEST_F(ReferenceEngineTest, RowsContinueTheirParents) {
  const std::unique_ptr<Decoding> decoding = NewDecoding(3);
  DecodeStep step = {.decoding = decoding.get(),
                     .parents = {0},
                     .tokens = {50258, 50259, 50359},
                     .wanted = {0, 2}};
  ASSERT_TRUE(engine_->Decode(absl::MakeSpan(&step, 1)).ok());
  const size_t vocab = 51865;
  ASSERT_EQ(step.logits.size(), 2 * vocab);
  EXPECT_NEAR(step.logits[100], Expected({50258})[100], 1e-5);
  EXPECT_NEAR(step.logits[vocab + 100], Expected({50258, 50259, 50359})[100], 1e-5);

  step = {.decoding = decoding.get(), .parents = {0, 0, 0}, .tokens = {1, 2, 3}, .wanted = {0}};
  ASSERT_TRUE(engine_->Decode(absl::MakeSpan(&step, 1)).ok());
  step = {.decoding = decoding.get(), .parents = {2, 0}, .tokens = {4, 5}, .wanted = {0}};
  ASSERT_TRUE(engine_->Decode(absl::MakeSpan(&step, 1)).ok());
  ASSERT_EQ(step.logits.size(), 2 * vocab);
  EXPECT_NEAR(step.logits[7], Expected({50258, 50259, 50359, 3, 4})[7], 1e-5);
  EXPECT_NEAR(step.logits[vocab + 7], Expected({50258, 50259, 50359, 1, 5})[7], 1e-5);
}

TEST_F(ReferenceEngineTest, AlignsWithProbabilitiesOfWhatFollows) {
  const std::vector<TokenId> tokens = {50258, 50259, 50359, 50363, 11, 12};
  const Alignment alignment = engine_->Align(*window_, tokens, {{1, 0}, {0, 0}}, 30, 50257).value();
  EXPECT_EQ(alignment.scores.size(), 2U * 6 * 30);
  ASSERT_EQ(alignment.probabilities.size(), 5U);
  const std::vector<double> logits = Expected({50258, 50259, 50359, 50363});
  double sum = 0;
  for (size_t i = 0; i < 50257; ++i) sum += std::exp(logits[i]);
  EXPECT_NEAR(alignment.probabilities[3], std::exp(logits[11]) / sum, 1e-6);
  EXPECT_EQ(alignment.probabilities[0], 0);
}

TEST_F(ReferenceEngineTest, DecodesGreedilyWhatTheLogitsSay) {
  const LogitRules rules = {.special = SpecialTokens(51865), .timestamps = false};
  const std::unique_ptr<Decoding> decoding = NewDecoding(1);
  GreedyDecoding greedy = {.decoding = decoding.get(),
                           .prompt = {50258, 50259, 50359, 50363},
                           .start = 0,
                           .max_tokens = 4,
                           .rules = &rules};
  ASSERT_TRUE(engine_->DecodeGreedy(absl::MakeSpan(&greedy, 1)).ok());
  ASSERT_EQ(greedy.tokens.size(), 4U);
  std::vector<TokenId> so_far = greedy.prompt;
  double sum = 0;
  for (const TokenId token : greedy.tokens) {
    const std::vector<double> logits = Expected(so_far);
    double total = 0;
    for (const double logit : logits) {
      EXPECT_LE(logit, logits[static_cast<size_t>(token)]);
      total += std::exp(logit);
    }
    sum += logits[static_cast<size_t>(token)] - std::log(total);
    so_far.push_back(token);
  }
  EXPECT_NEAR(greedy.sum_log_probability, sum, 1e-4);
}

TEST_F(ReferenceEngineTest, SaysWhatCannotBe) {
  const std::unique_ptr<Decoding> decoding = NewDecoding(2);
  Decoding* const d = decoding.get();
  EXPECT_EQ(MessageOf({.decoding = d, .parents = {0, 0, 0}, .tokens = {1, 2, 3}}),
            "rows: reference engine: got 3, expected 1 to 2");
  EXPECT_EQ(MessageOf({.decoding = d, .parents = {1}, .tokens = {1}}),
            "parent: reference engine: got 1, expected below 1");
  EXPECT_EQ(MessageOf({.decoding = d, .parents = {0, 0}, .tokens = {1, 2, 3}}),
            "new tokens: reference engine: got 3, expected as many for each row");
  EXPECT_EQ(MessageOf({.decoding = d, .parents = {0}, .tokens = {51865}}),
            "token: reference engine: got 51865, expected 0 to 51864");
  EXPECT_EQ(MessageOf({.decoding = d, .parents = {0}, .tokens = std::vector<TokenId>(449, 1)}),
            "tokens: reference engine: got 449, expected at most 448");
  EXPECT_EQ(MessageOf({.decoding = d, .parents = {0}, .tokens = {1}, .wanted = {1}}),
            "wanted: reference engine: got 1, expected 1");
}

}  // namespace
}  // namespace rules_inference::infer
