#include "plugins/infer/fallback_engine.h"

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/reference_engine.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

// The reference as a device that fails at one call and from then on, after it has done the work.
class FailingEngine : public Engine {
 public:
  FailingEngine(const ModelFile& file, int fail_at, absl::Status error)
      : engine_(NewReferenceEngine(file)), left_(fail_at), error_(std::move(error)) {}

  const Hyperparameters& parameters() const override { return engine_->parameters(); }
  std::string Describe() const override { return "test:0"; }

  absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encode(
      absl::Span<const absl::Span<const float>> windows) override {
    auto result = engine_->Encode(windows);
    RETURN_IF_ERROR(Count());
    return result;
  }
  absl::StatusOr<std::unique_ptr<Decoding>> NewDecoding(const EncodedWindow& window,
                                                        int rows) override {
    auto result = engine_->NewDecoding(window, rows);
    RETURN_IF_ERROR(Count());
    return result;
  }
  absl::Status Decode(absl::Span<DecodeStep> steps) override {
    RETURN_IF_ERROR(engine_->Decode(steps));
    return Count();
  }
  absl::Status DecodeGreedy(absl::Span<GreedyDecoding> decodings) override {
    RETURN_IF_ERROR(engine_->DecodeGreedy(decodings));
    return Count();
  }
  absl::Status ContinueGreedy(absl::Span<GreedyDecoding* const> decodings) override {
    RETURN_IF_ERROR(engine_->ContinueGreedy(decodings));
    return Count();
  }
  absl::StatusOr<Alignment> Align(const EncodedWindow& window, absl::Span<const TokenId> tokens,
                                  absl::Span<const Head> heads, int frames,
                                  TokenId limit) override {
    auto result = engine_->Align(window, tokens, heads, frames, limit);
    RETURN_IF_ERROR(Count());
    return result;
  }

 private:
  absl::Status Count() { return left_-- <= 0 ? error_ : absl::OkStatus(); }

  std::unique_ptr<Engine> engine_;
  int left_;
  absl::Status error_;
};

class FallbackEngineTest : public testing::Test {
 protected:
  FallbackEngineTest() {
    Hyperparameters p = *SizeOf("test");
    p.audio_context = 8;
    bytes_ = MadeModel({.parameters = p, .seed = 3});
    file_ = std::make_unique<ModelFile>(*ModelFile::Parse(bytes_, "m.bin"));
  }

  std::vector<float> Mel(int salt) const {
    std::vector<float> mel;
    for (int i = 0; i < 16 * 80; ++i) mel.push_back(std::sin(0.3F * static_cast<float>(i + salt)));
    return mel;
  }

  std::unique_ptr<Engine> Failing(int fail_at,
                                  absl::Status error = absl::InternalError("the device is lost")) {
    return NewFallbackEngine(
        std::make_unique<FailingEngine>(*file_, fail_at, std::move(error)),
        [this]() -> absl::StatusOr<std::unique_ptr<Engine>> {
          ++opened_;
          return NewReferenceEngine(*file_);
        },
        [this](absl::string_view line) { notes_.emplace_back(line); });
  }

  // Everything that an engine can do, with rows that move: all numbers that come out.
  std::vector<float> Work(Engine& engine) const {
    std::vector<float> out;
    const std::vector<float> a = Mel(0);
    const std::vector<float> b = Mel(40);
    const std::vector<absl::Span<const float>> mels = {a, b};
    auto windows = engine.Encode(mels);
    EXPECT_TRUE(windows.ok()) << windows.status();
    auto first = engine.NewDecoding(*(*windows)[0], 2);
    EXPECT_TRUE(first.ok()) << first.status();
    const auto decode = [&](std::vector<int> parents, std::vector<TokenId> tokens) {
      DecodeStep step = {.decoding = first->get(),
                         .parents = std::move(parents),
                         .tokens = std::move(tokens),
                         .wanted = {0}};
      const absl::Status status = engine.Decode(absl::MakeSpan(&step, 1));
      EXPECT_TRUE(status.ok()) << status;
      for (size_t i = 0; i < step.logits.size(); i += 997) out.push_back(step.logits[i]);
    };
    decode({0}, {50258, 5});
    decode({0, 0}, {7, 8});
    auto second = engine.NewDecoding(*(*windows)[1], 1);
    EXPECT_TRUE(second.ok()) << second.status();
    const LogitRules rules = {.special = SpecialTokens(engine.parameters().vocab)};
    GreedyDecoding greedy = {
        .decoding = second->get(), .prompt = {50258}, .max_tokens = 4, .rules = &rules};
    const absl::Status status = engine.DecodeGreedy(absl::MakeSpan(&greedy, 1));
    EXPECT_TRUE(status.ok()) << status;
    for (const TokenId token : greedy.tokens) out.push_back(static_cast<float>(token));
    out.push_back(static_cast<float>(greedy.sum_log_probability));
    out.push_back(greedy.no_speech_probability);
    decode({1, 1}, {9, 10});
    decode({1}, {11});
    const std::vector<TokenId> tokens = {50258, 3, 4};
    const std::vector<Head> heads = {{1, 0}};
    const auto alignment = engine.Align(*(*windows)[1], tokens, heads, 8, 50257);
    EXPECT_TRUE(alignment.ok()) << alignment.status();
    out.insert(out.end(), alignment->scores.begin(), alignment->scores.end());
    out.insert(out.end(), alignment->probabilities.begin(), alignment->probabilities.end());
    return out;
  }

  std::string bytes_;
  std::unique_ptr<ModelFile> file_;
  int opened_ = 0;
  std::vector<std::string> notes_;
};

TEST_F(FallbackEngineTest, GivesTheSameWhereverTheDeviceFails) {
  const std::unique_ptr<Engine> reference = NewReferenceEngine(*file_);
  const std::vector<float> expected = Work(*reference);
  constexpr int kCalls = 9;
  for (int fail_at = 0; fail_at <= kCalls; ++fail_at) {
    SCOPED_TRACE(fail_at);
    opened_ = 0;
    notes_.clear();
    const std::unique_ptr<Engine> engine = Failing(fail_at);
    EXPECT_EQ(engine->Describe(), "test:0");
    const std::vector<float> got = Work(*engine);
    ASSERT_EQ(got.size(), expected.size());
    // Replayed tokens go through the decoder in other steps: sums of the same numbers.
    for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 1e-4) << i;
    if (fail_at == kCalls) {
      EXPECT_EQ(opened_, 0);
      EXPECT_TRUE(notes_.empty());
      continue;
    }
    EXPECT_EQ(opened_, 1);
    EXPECT_EQ(notes_,
              std::vector<std::string>{"test:0 failed: the device is lost; going on with the CPU"});
    EXPECT_EQ(engine->Describe(), "reference (double precision)");
  }
}

// Two sequences, the second of which joins behind the first step.
TEST_F(FallbackEngineTest, GreedySequencesGoOnWhereverTheDeviceFails) {
  const LogitRules rules = {.special = SpecialTokens(file_->parameters().vocab)};
  const auto work = [&](Engine& engine) {
    const std::vector<float> a = Mel(0);
    const std::vector<float> b = Mel(40);
    const std::vector<absl::Span<const float>> mels = {a, b};
    auto windows = engine.Encode(mels);
    EXPECT_TRUE(windows.ok()) << windows.status();
    std::vector<std::unique_ptr<Decoding>> decodings;
    std::vector<GreedyDecoding> greedy;
    for (const auto& window : *windows) {
      decodings.push_back(*engine.NewDecoding(*window, 1));
      greedy.push_back({.decoding = decodings.back().get(),
                        .prompt = {50258, 9},
                        .max_tokens = 4,
                        .rules = &rules});
    }
    std::vector<GreedyDecoding*> going = {&greedy[0]};
    for (int step = 1; !going.empty(); ++step) {
      const absl::Status status = engine.ContinueGreedy(going);
      EXPECT_TRUE(status.ok()) << status;
      if (!status.ok()) break;
      if (step == 1) going.push_back(&greedy[1]);
      std::erase_if(going, [](const GreedyDecoding* each) {
        return each->stage == GreedyDecoding::Stage::kEnded;
      });
    }
    for (size_t i = 0; i < 2; ++i) EXPECT_EQ(greedy[i].decoding, decodings[i].get());
    return greedy;
  };
  const std::unique_ptr<Engine> reference = NewReferenceEngine(*file_);
  const std::vector<GreedyDecoding> expected = work(*reference);
  // Encode, two decodings, four steps and one more.
  constexpr int kCalls = 8;
  for (int fail_at = 0; fail_at <= kCalls; ++fail_at) {
    SCOPED_TRACE(fail_at);
    opened_ = 0;
    const std::unique_ptr<Engine> engine = Failing(fail_at);
    const std::vector<GreedyDecoding> got = work(*engine);
    EXPECT_EQ(opened_, fail_at == kCalls ? 0 : 1);
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(got[i].tokens, expected[i].tokens);
      EXPECT_NEAR(got[i].sum_log_probability, expected[i].sum_log_probability, 1e-4);
      EXPECT_EQ(got[i].no_speech_probability, expected[i].no_speech_probability);
    }
  }
}

TEST_F(FallbackEngineTest, ErrorsOfTheCallerAreNoReason) {
  const std::unique_ptr<Engine> engine = Failing(100);
  const std::vector<float> mel(3);
  const absl::Span<const float> span = mel;
  const auto windows = engine->Encode(absl::MakeConstSpan(&span, 1));
  EXPECT_EQ(windows.status().message(), "window: reference engine: got 3, expected 1280");
  EXPECT_EQ(opened_, 0);
  EXPECT_TRUE(notes_.empty());
}

TEST_F(FallbackEngineTest, TheCpuMayFailToOpen) {
  const std::unique_ptr<Engine> engine = NewFallbackEngine(
      std::make_unique<FailingEngine>(*file_, 0, absl::ResourceExhaustedError("no memory")),
      [] { return absl::StatusOr<std::unique_ptr<Engine>>(absl::InternalError("none")); },
      [](absl::string_view) {});
  const std::vector<float> mel = Mel(0);
  const absl::Span<const float> span = mel;
  EXPECT_EQ(engine->Encode(absl::MakeConstSpan(&span, 1)).status(), absl::InternalError("none"));
}

TEST_F(FallbackEngineTest, WindowsOutliveTheEngineThatFailed) {
  std::unique_ptr<Engine> engine = Failing(2);
  const std::vector<float> mel = Mel(0);
  const absl::Span<const float> span = mel;
  auto windows = engine->Encode(absl::MakeConstSpan(&span, 1));
  ASSERT_TRUE(windows.ok());
  auto idle = engine->NewDecoding(*(*windows)[0], 1);
  ASSERT_TRUE(idle.ok());
  // Fails, and moves the window.
  ASSERT_TRUE(engine->NewDecoding(*(*windows)[0], 1).ok());
  EXPECT_EQ(notes_.size(), 1U);
  DecodeStep step = {.decoding = idle->get(), .parents = {0}, .tokens = {5}, .wanted = {0}};
  EXPECT_TRUE(engine->Decode(absl::MakeSpan(&step, 1)).ok());
  EXPECT_FALSE(step.logits.empty());
}

}  // namespace
}  // namespace rules_inference::infer
