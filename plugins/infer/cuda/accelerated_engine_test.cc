#include "plugins/infer/cuda/accelerated_engine.h"

#include <algorithm>
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
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/blas.h"
#include "plugins/infer/cuda/simt_accelerator.h"
#include "plugins/infer/cuda/simt_blas.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/reference_engine.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tensor_type.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer::cuda {
namespace {

struct Size {
  absl::string_view name = "test";
  int heads = 1;
  int context = 37;
};

// A model, the reference over it and the engine under test. Weights of f32 are f16 on the device.
class Pair {
 public:
  Pair(TensorType type, const Size& size, const SimtOptions& options = {},
       const EngineOptions& engine_options = {}) {
    Hyperparameters p = *SizeOf(size.name);
    p.audio_context = size.context;
    p.audio_heads = p.text_heads = size.heads;
    p.audio_state = p.text_state = size.heads * Hyperparameters::kHeadSize;
    bytes_ = MadeModel({p, type, 7});
    auto file = ModelFile::Parse(bytes_, "m.bin");
    EXPECT_TRUE(file.ok()) << file.status();
    file_ = std::make_unique<ModelFile>(*std::move(file));
    reference_ = NewReferenceEngine(*file_);
    auto engine = NewAcceleratedEngine(NewSimtAccelerator(options), *file_, engine_options);
    EXPECT_TRUE(engine.ok()) << engine.status();
    if (engine.ok()) engine_ = *std::move(engine);
  }

  const ModelFile& file() const { return *file_; }
  Engine& reference() { return *reference_; }
  Engine& engine() { return *engine_; }

  std::vector<float> Mel(int salt) const {
    const Hyperparameters& p = file_->parameters();
    std::vector<float> mel;
    for (int frame = 0; frame < 2 * p.audio_context; ++frame) {
      for (int m = 0; m < p.mels; ++m) {
        const float angle = 0.1F * static_cast<float>(frame + salt) + 0.7F * static_cast<float>(m);
        mel.push_back(0.5F * std::sin(angle));
      }
    }
    return mel;
  }

 private:
  std::string bytes_;
  std::unique_ptr<ModelFile> file_;
  std::unique_ptr<Engine> reference_;
  std::unique_ptr<Engine> engine_;
};

std::vector<std::unique_ptr<EncodedWindow>> EncodeAll(Engine& engine,
                                                      const std::vector<std::vector<float>>& mels) {
  const std::vector<absl::Span<const float>> spans(mels.begin(), mels.end());
  auto windows = engine.Encode(spans);
  EXPECT_TRUE(windows.ok()) << windows.status();
  return *std::move(windows);
}

std::unique_ptr<Decoding> Fresh(Engine& engine, const EncodedWindow& window, int rows) {
  auto decoding = engine.NewDecoding(window, rows);
  EXPECT_TRUE(decoding.ok()) << decoding.status();
  return *std::move(decoding);
}

// Logits of models with random weights are of the order of 10.
void ExpectNear(absl::Span<const float> got, absl::Span<const float> expected, float tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  float worst = 0;
  size_t where = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const float difference = std::abs(got[i] - expected[i]);
    if (!(difference <= worst)) {
      worst = difference;
      where = i;
      if (std::isnan(difference)) break;
    }
  }
  EXPECT_LE(worst, tolerance) << "at " << where << ": " << got[where] << ", expected "
                              << expected[where];
}

using Steps = std::vector<DecodeStep>;

// The same steps on both engines, over a window each; the logits of all.
std::vector<std::vector<float>> LogitsOf(Engine& engine,
                                         const std::vector<std::vector<float>>& mels, int rows,
                                         const std::vector<Steps>& calls) {
  const auto windows = EncodeAll(engine, mels);
  std::vector<std::unique_ptr<Decoding>> decodings;
  for (const auto& window : windows) decodings.push_back(Fresh(engine, *window, rows));
  std::vector<std::vector<float>> logits;
  for (Steps steps : calls) {
    for (size_t i = 0; i < steps.size(); ++i) steps[i].decoding = decodings[i].get();
    const absl::Status status = engine.Decode(absl::MakeSpan(steps));
    EXPECT_TRUE(status.ok()) << status;
    for (DecodeStep& step : steps) logits.push_back(std::move(step.logits));
  }
  return logits;
}

void ExpectSameLogits(Pair& pair, const std::vector<std::vector<float>>& mels, int rows,
                      const std::vector<Steps>& calls) {
  const auto expected = LogitsOf(pair.reference(), mels, rows, calls);
  const auto got = LogitsOf(pair.engine(), mels, rows, calls);
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) ExpectNear(got[i], expected[i], 0.05F);
}

TEST(AcceleratedEngineTest, HasTheLogitsOfTheReferenceForAllTypes) {
  for (const TensorTypeInfo& info : TensorTypes()) {
    SCOPED_TRACE(info.name);
    Pair pair(info.type, {.name = info.type == TensorType::kQ5_1 ? "test.en" : "test"});
    ExpectSameLogits(pair, {pair.Mel(0)}, 1,
                     {{{.parents = {0}, .tokens = {50257, 11, 500}, .wanted = {0, 2}}},
                      {{.parents = {0}, .tokens = {7}, .wanted = {0}}}});
  }
}

TEST(AcceleratedEngineTest, FollowsTheParentsOfRows) {
  Pair pair(TensorType::kF16, {});
  ExpectSameLogits(pair, {pair.Mel(0), pair.Mel(5)}, 3,
                   {{{.parents = {0}, .tokens = {50257, 11}, .wanted = {1}},
                     {.parents = {0}, .tokens = {50257, 12, 13}, .wanted = {2}}},
                    {{.parents = {0, 0, 0}, .tokens = {1, 2, 3}, .wanted = {0}},
                     {.parents = {0, 0}, .tokens = {4, 5}, .wanted = {0}}},
                    {{.parents = {2, 0, 0}, .tokens = {4, 5, 6}, .wanted = {0}},
                     {.parents = {1, 1}, .tokens = {7, 8, 9, 10}, .wanted = {0, 1}}},
                    {{.parents = {1, 2}, .tokens = {7, 8}, .wanted = {0}},
                     {.parents = {0, 1, 0}, .tokens = {1, 2, 3}, .wanted = {0}}}});
}

TEST(AcceleratedEngineTest, TakesLongPromptsAtOnce) {
  Pair pair(TensorType::kQ8_0, {.heads = 2, .context = 70});
  DecodeStep first = {.parents = {0}, .tokens = {50257}, .wanted = {0, 19, 39}};
  for (int i = 1; i < 40; ++i) first.tokens.push_back(i * 37);
  DecodeStep second = first;
  second.tokens.resize(17);
  second.wanted = {16};
  ExpectSameLogits(pair, {pair.Mel(0), pair.Mel(3)}, 1,
                   {{first, second},
                    {{.parents = {0}, .tokens = {7}, .wanted = {0}},
                     {.parents = {0}, .tokens = {8}, .wanted = {0}}}});
}

struct GreedyResult {
  std::vector<TokenId> tokens;
  double sum;
  float no_speech;
};

std::vector<GreedyResult> GreedyOf(Engine& engine, const std::vector<std::vector<float>>& mels,
                                   const std::vector<GreedyDecoding>& wanted) {
  const auto windows = EncodeAll(engine, mels);
  std::vector<std::unique_ptr<Decoding>> decodings;
  std::vector<GreedyDecoding> greedy = wanted;
  for (size_t i = 0; i < greedy.size(); ++i) {
    decodings.push_back(Fresh(engine, *windows[i % windows.size()], 1));
    greedy[i].decoding = decodings.back().get();
  }
  const absl::Status status = engine.DecodeGreedy(absl::MakeSpan(greedy));
  EXPECT_TRUE(status.ok()) << status;
  std::vector<GreedyResult> results;
  for (const GreedyDecoding& g : greedy) {
    results.push_back({g.tokens, g.sum_log_probability, g.no_speech_probability});
  }
  return results;
}

TEST(AcceleratedEngineTest, DecodesGreedilyAsTheReference) {
  for (const TensorType type : {TensorType::kF16, TensorType::kQ5_0}) {
    Pair pair(type, {});
    const SpecialTokens special(pair.file().parameters().vocab);
    LogitRules with_times = {
        .special = special, .suppressed = {1, 2, 50362}, .suppressed_first = {220, 50257}};
    LogitRules without = {.special = special, .suppressed = {3}, .timestamps = false};
    LogitRules any_begin = {.special = special, .max_initial_steps = std::nullopt};
    const TokenId sot = special.start_of_transcript;
    const std::vector<GreedyDecoding> wanted = {
        {.prompt = {sot, sot + 1, special.transcribe}, .max_tokens = 19, .rules = &with_times},
        {.prompt = {special.start_of_previous, 500, sot, sot + 2, special.transcribe,
                    special.no_timestamps},
         .start = 2,
         .max_tokens = 11,
         .rules = &without},
        {.prompt = {sot, sot + 5}, .max_tokens = 0, .rules = &any_begin},
        {.prompt = {sot, sot + 5}, .max_tokens = 9, .rules = &any_begin},
    };
    const std::vector<std::vector<float>> mels = {pair.Mel(0), pair.Mel(9)};
    const auto expected = GreedyOf(pair.reference(), mels, wanted);
    const auto got = GreedyOf(pair.engine(), mels, wanted);
    for (size_t i = 0; i < wanted.size(); ++i) {
      SCOPED_TRACE(i);
      EXPECT_EQ(got[i].tokens, expected[i].tokens);
      EXPECT_NEAR(got[i].sum, expected[i].sum, 0.02 * (1 + std::abs(expected[i].sum)));
      EXPECT_NEAR(got[i].no_speech, expected[i].no_speech, 0.02 * expected[i].no_speech);
    }
  }
}

// What is said of a library is a mistake.
void Nothing(absl::string_view line) { ADD_FAILURE() << line; }

TEST(AcceleratedEngineTest, WithALibraryItHasTheLogitsOfTheReferenceForAllTypes) {
  for (const TensorTypeInfo& info : TensorTypes()) {
    SCOPED_TRACE(info.name);
    int products = 0;
    const BlasLibrary library = SimtBlas({.products = &products});
    Pair pair(info.type, {}, {}, {.blas = &library, .blas_rows = 9, .note = Nothing});
    EXPECT_EQ(pair.engine().Describe(), "simt with plain loops");
    DecodeStep prompt = {.parents = {0}, .tokens = {50257}, .wanted = {0, 8}};
    for (int i = 1; i < 9; ++i) prompt.tokens.push_back(i * 37);
    ExpectSameLogits(pair, {pair.Mel(0), pair.Mel(5)}, 1,
                     {{prompt}, {{.parents = {0}, .tokens = {7}, .wanted = {0}}}});
    // The check at the start has 2. Of two windows: two convolutions, four products for each of two
    // layers, keys and values of each window for two layers; of the prompt: six for each layer.
    EXPECT_EQ(products, 2 + 2 + 2 * 4 + 2 * 2 + 2 * 6);
  }
}

TEST(AcceleratedEngineTest, WhatALibraryDoesCanBeRecorded) {
  const BlasLibrary library = SimtBlas();
  Pair pair(TensorType::kQ5_0, {}, {}, {.blas = &library, .blas_rows = 1, .note = Nothing});
  const LogitRules rules = {.special = SpecialTokens(pair.file().parameters().vocab)};
  const TokenId sot = rules.special.start_of_transcript;
  const std::vector<GreedyDecoding> wanted = {
      {.prompt = {sot, sot + 1, rules.special.transcribe}, .max_tokens = 5, .rules = &rules},
      {.prompt = {sot, sot + 5}, .max_tokens = 4, .rules = &rules}};
  const std::vector<std::vector<float>> mels = {pair.Mel(0), pair.Mel(9)};
  const auto expected = GreedyOf(pair.reference(), mels, wanted);
  const auto got = GreedyOf(pair.engine(), mels, wanted);
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(got[i].tokens, expected[i].tokens) << i;
}

TEST(AcceleratedEngineTest, AlignsAsTheReference) {
  Pair pair(TensorType::kQ4_1, {.heads = 2});
  const std::vector<std::vector<float>> mels = {pair.Mel(0)};
  std::vector<TokenId> tokens = {50258, 50259, 50359, 50363};
  for (int i = 0; i < 36; ++i) tokens.push_back(100 + 17 * i);
  tokens.push_back(50257);
  const std::vector<Head> heads = {{1, 0}, {0, 1}, {1, 1}};
  const auto a = EncodeAll(pair.reference(), mels);
  const auto expected = pair.reference().Align(*a[0], tokens, heads, 31, 50257);
  const auto b = EncodeAll(pair.engine(), mels);
  const auto got = pair.engine().Align(*b[0], tokens, heads, 31, 50257);
  ASSERT_TRUE(expected.ok() && got.ok()) << got.status();
  ExpectNear(got->scores, expected->scores, 0.01F);
  ASSERT_EQ(got->probabilities.size(), expected->probabilities.size());
  for (size_t i = 0; i < got->probabilities.size(); ++i) {
    EXPECT_NEAR(got->probabilities[i], expected->probabilities[i],
                0.05F * expected->probabilities[i]);
  }
}

TEST(AcceleratedEngineTest, TheOrderOfThreadsDoesNotMatter) {
  std::vector<std::vector<float>> all;
  for (const bool reverse : {false, true}) {
    for (const bool late : {false, true}) {
      Pair pair(TensorType::kQ5_1, {.heads = 2, .context = 70},
                {.order = {.reverse = reverse, .late_copies = late}});
      DecodeStep prompt = {.parents = {0}, .tokens = {50257}, .wanted = {29}};
      for (int i = 1; i < 30; ++i) prompt.tokens.push_back(i * 37);
      all.push_back(LogitsOf(pair.engine(), {pair.Mel(0)}, 1, {{prompt}})[0]);
    }
  }
  for (const std::vector<float>& logits : all) EXPECT_EQ(logits, all[0]);
}

}  // namespace
}  // namespace rules_inference::infer::cuda
