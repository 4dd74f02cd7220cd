// Sequences that come and go in batches of the CPU engine, against the same ones alone: the same
// bits.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/batching_engine.h"
#include "plugins/infer/cpu/cpu_engine.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tensor_type.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

using Stage = GreedyDecoding::Stage;

constexpr size_t kSequences = 18;
constexpr size_t kWindows = 3;

struct Result {
  std::vector<TokenId> tokens;
  double sum_log_probability = 0;
  float no_speech_probability = 0;

  bool operator==(const Result&) const = default;
};

Result ResultOf(const GreedyDecoding& greedy) {
  return {greedy.tokens, greedy.sum_log_probability, greedy.no_speech_probability};
}

class ContinuousTest : public testing::TestWithParam<TensorType> {
 protected:
  void SetUp() override {
    Hyperparameters parameters = *SizeOf("test");
    parameters.audio_context = 20;
    parameters.audio_state = parameters.text_state = 128;
    parameters.audio_heads = parameters.text_heads = 2;
    bytes_ = MadeModel({parameters, GetParam(), 7});
    file_ = std::make_unique<ModelFile>(*ModelFile::Parse(bytes_, "m.bin"));
    std::mt19937 random(5);
    for (size_t i = 0; i < kWindows; ++i) {
      sounds_.emplace_back();
      for (int n = 0; n < 2 * parameters.audio_context * parameters.mels; ++n) {
        sounds_.back().push_back(static_cast<float>(random() % 2001) / 1000 - 1);
      }
    }
    for (size_t i = 0; i < kSequences; ++i) {
      prompts_.push_back({50258, 50259, 50359});
      for (auto n = random() % 30; n > 0; --n) {
        prompts_.back().push_back(static_cast<TokenId>(random() % 50000));
      }
      lengths_.push_back(static_cast<int>(1 + random() % 24));
    }
  }

  std::unique_ptr<Engine> Open() const {
    auto engine = NewCpuEngine(*file_, {.threads = 2});
    EXPECT_TRUE(engine.ok()) << engine.status();
    return *std::move(engine);
  }

  // A sequence with what it needs to live.
  struct Sequence {
    std::unique_ptr<EncodedWindow> window;
    std::unique_ptr<Decoding> decoding;
    GreedyDecoding greedy;
  };
  Sequence Make(Engine& engine, size_t number) const {
    Sequence sequence;
    const absl::Span<const float> sound = sounds_[number % kWindows];
    sequence.window = std::move((*engine.Encode({&sound, 1}))[0]);
    sequence.decoding = *engine.NewDecoding(*sequence.window, 1);
    sequence.greedy = {.decoding = sequence.decoding.get(),
                       .prompt = prompts_[number],
                       .max_tokens = lengths_[number],
                       .rules = &rules_};
    return sequence;
  }

  std::vector<Result> Alone(Engine& engine) const {
    std::vector<Result> results;
    for (size_t i = 0; i < kSequences; ++i) {
      Sequence sequence = Make(engine, i);
      const absl::Status status = engine.DecodeGreedy(absl::MakeSpan(&sequence.greedy, 1));
      EXPECT_TRUE(status.ok()) << status;
      results.push_back(ResultOf(sequence.greedy));
    }
    return results;
  }

  std::string bytes_;
  std::unique_ptr<ModelFile> file_;
  const LogitRules rules_ = {.special = SpecialTokens(SizeOf("test")->vocab)};
  std::vector<std::vector<float>> sounds_;
  std::vector<std::vector<TokenId>> prompts_;
  std::vector<int> lengths_;
};

INSTANTIATE_TEST_SUITE_P(All, ContinuousTest,
                         testing::Values(TensorType::kF32, TensorType::kF16, TensorType::kQ4_0,
                                         TensorType::kQ5_1, TensorType::kQ8_0),
                         [](const auto& info) { return std::string(InfoOf(info.param).name); });

// Each step has some of the sequences, whichever.
TEST_P(ContinuousTest, TheOthersInAStepChangeNoBit) {
  const std::unique_ptr<Engine> engine = Open();
  const std::vector<Result> expected = Alone(*engine);
  for (unsigned seed = 0; seed < 3; ++seed) {
    std::mt19937 random(seed);
    std::vector<Sequence> sequences;
    for (size_t i = 0; i < kSequences; ++i) sequences.push_back(Make(*engine, i));
    for (size_t ended = 0; ended < kSequences;) {
      std::vector<GreedyDecoding*> step;
      for (Sequence& each : sequences) {
        if (each.greedy.stage != Stage::kEnded && random() % 4 != 0) step.push_back(&each.greedy);
      }
      if (step.empty()) continue;
      const absl::Status status = engine->ContinueGreedy(step);
      ASSERT_TRUE(status.ok()) << status;
      for (const GreedyDecoding* each : step) {
        ASSERT_TRUE(each->status.ok()) << each->status;
        if (each->stage == Stage::kEnded) ++ended;
      }
    }
    for (size_t i = 0; i < kSequences; ++i) {
      EXPECT_EQ(ResultOf(sequences[i].greedy), expected[i]) << i;
    }
  }
}

TEST_P(ContinuousTest, ThreadsThatComeAndGoGetWhatTheyGetAlone) {
  const std::vector<Result> expected = Alone(*Open());
  std::atomic<int> joined = 0;
  BatchingEngine engine(Open(), {.max_sequences = 13, .observer = [&](const BatchEvent& event) {
                                   joined += event.joined;
                                 }});
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kSequences; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(static_cast<unsigned>(i));
      for (int round = 0; round < 3; ++round) {
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
        Sequence sequence = Make(engine, i);
        // Some give up, in the middle or at once.
        auto left = static_cast<int>(random() % 12);
        const bool gives_up = random() % 3 == 0;
        if (gives_up) sequence.greedy.cancelled = [&left] { return left-- == 0; };
        const absl::Status status = engine.DecodeGreedy(absl::MakeSpan(&sequence.greedy, 1));
        if (status.ok()) {
          EXPECT_EQ(ResultOf(sequence.greedy), expected[i]) << i;
        } else {
          EXPECT_TRUE(gives_up);
          EXPECT_EQ(status, absl::CancelledError("transcribing was cancelled"));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(joined, 0);
}

TEST_P(ContinuousTest, ASequenceBeyondTheContextEndsAlone) {
  const std::unique_ptr<Engine> engine = Open();
  Sequence good = Make(*engine, 0);
  Sequence bad = Make(*engine, 1);
  bad.greedy.prompt.assign(449, 50258);
  GreedyDecoding* const step[] = {&good.greedy, &bad.greedy};
  ASSERT_TRUE(engine->ContinueGreedy(step).ok());
  EXPECT_TRUE(good.greedy.status.ok());
  EXPECT_EQ(bad.greedy.stage, Stage::kEnded);
  EXPECT_EQ(bad.greedy.status.message(), "tokens: cpu engine: got 449, expected at most 448");
}

}  // namespace
}  // namespace rules_inference::infer
