#include "plugins/infer/cancellable_engine.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/reference_engine.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

class CancellableEngineTest : public testing::Test {
 protected:
  CancellableEngineTest() {
    Hyperparameters p = *SizeOf("test");
    p.audio_context = 8;
    bytes_ = MadeModel({.parameters = p, .seed = 3});
    file_ = std::make_unique<ModelFile>(*ModelFile::Parse(bytes_, "m.bin"));
    inner_ = NewReferenceEngine(*file_);
    engine_ = std::make_unique<CancellableEngine>(*inner_, [this] { return asked_++ >= wanted_; });
    for (int i = 0; i < 16 * 80; ++i) mel_.push_back(std::sin(0.3F * static_cast<float>(i)));
    const absl::Span<const float> mel = mel_;
    window_ = std::move((*engine_->Encode({&mel, 1}))[0]);
    decoding_ = *engine_->NewDecoding(*window_, 1);
  }

  static constexpr int kAlways = 1000;

  std::string bytes_;
  std::unique_ptr<ModelFile> file_;
  std::vector<float> mel_;
  int asked_ = 0;
  int wanted_ = kAlways;
  std::unique_ptr<Engine> inner_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<EncodedWindow> window_;
  std::unique_ptr<Decoding> decoding_;
  const absl::Status gone_ = absl::CancelledError("transcribing was cancelled");
};

TEST_F(CancellableEngineTest, PassesOnWhatIsWanted) {
  EXPECT_EQ(engine_->Describe(), "reference (double precision)");
  DecodeStep step = {.decoding = decoding_.get(), .parents = {0}, .tokens = {50258}, .wanted = {0}};
  EXPECT_EQ(engine_->Decode(absl::MakeSpan(&step, 1)), absl::OkStatus());
  EXPECT_EQ(step.logits.size(), 51865);
  EXPECT_TRUE(engine_->Align(*window_, {50258}, {{0, 0}}, 8, 50257).ok());
}

TEST_F(CancellableEngineTest, NothingIsDoneForWhomHasGone) {
  wanted_ = 0;
  const absl::Span<const float> mel = mel_;
  EXPECT_EQ(engine_->Encode({&mel, 1}).status(), gone_);
  EXPECT_EQ(engine_->NewDecoding(*window_, 1).status(), gone_);
  DecodeStep step = {.decoding = decoding_.get(), .parents = {0}, .tokens = {50258}, .wanted = {0}};
  EXPECT_EQ(engine_->Decode(absl::MakeSpan(&step, 1)), gone_);
  GreedyDecoding greedy = {.decoding = decoding_.get(), .prompt = {50258}};
  EXPECT_EQ(engine_->DecodeGreedy(absl::MakeSpan(&greedy, 1)), gone_);
  EXPECT_EQ(engine_->Align(*window_, {50258}, {}, 8, 50257).status(), gone_);
}

TEST_F(CancellableEngineTest, GreedyDecodingEndsBetweenSteps) {
  // Asked before the call and behind each of three steps.
  wanted_ = asked_ + 3;
  const LogitRules rules = {.special = SpecialTokens(inner_->parameters().vocab)};
  GreedyDecoding greedy = {
      .decoding = decoding_.get(), .prompt = {50258}, .max_tokens = 20, .rules = &rules};
  EXPECT_EQ(engine_->DecodeGreedy(absl::MakeSpan(&greedy, 1)), gone_);
  EXPECT_EQ(greedy.tokens.size(), 3);
}

}  // namespace
}  // namespace rules_inference::infer
