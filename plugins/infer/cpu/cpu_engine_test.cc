// Against Whisper in double precision, on small models with random weights.

#include "plugins/infer/cpu/cpu_engine.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/log_mel.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/reference_engine.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tensor_type.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

// A model of two heads, so that heads can be mixed up, with a short window.
struct Made {
  std::string bytes;
  std::unique_ptr<ModelFile> file;
};

Made Make(TensorType type, uint64_t seed, int positions) {
  Hyperparameters parameters = *SizeOf("test");
  parameters.audio_context = positions;
  parameters.audio_state = parameters.text_state = 128;
  parameters.audio_heads = parameters.text_heads = 2;
  Made made{.bytes = MadeModel({parameters, type, seed}), .file = nullptr};
  auto file = ModelFile::Parse(made.bytes, "m.bin");
  EXPECT_TRUE(file.ok()) << file.status();
  made.file = std::make_unique<ModelFile>(*std::move(file));
  return made;
}

std::vector<float> Sound(const Hyperparameters& parameters, uint64_t seed) {
  std::vector<float> mel;
  for (int frame = 0; frame < 2 * parameters.audio_context; ++frame) {
    for (int m = 0; m < parameters.mels; ++m) {
      const float at = static_cast<float>(frame) * (0.05F + 0.01F * static_cast<float>(seed % 7));
      mel.push_back(0.5F * std::sin(at + 0.7F * static_cast<float>(m)) +
                    0.3F * std::cos(0.3F * at * static_cast<float>(m % 11)));
    }
  }
  return mel;
}

// The spectrum of a rising tone with a beat and some noise, as long as the model listens.
std::vector<float> Clip(const ModelFile& file, uint64_t seed) {
  const auto frames = static_cast<size_t>(2 * file.parameters().audio_context);
  std::mt19937_64 random(seed);
  std::vector<float> samples;
  for (size_t i = 0; i < frames * kHop; ++i) {
    const double at = static_cast<double>(i) / kSampleRate;
    const double tone = std::sin(at * (600 + 90 * static_cast<double>(seed) + 900 * at));
    const double noise = static_cast<double>(random() % 2001) / 1000 - 1;
    samples.push_back(static_cast<float>(0.4 * tone * std::cos(20 * at) + 0.01 * noise));
  }
  LogMel mel = ComputeLogMel(samples, file.mel_filters(), 1);
  mel.values.resize(frames * static_cast<size_t>(mel.mels));
  return mel.values;
}

std::unique_ptr<Engine> Open(const ModelFile& file, int threads = 1, const std::string& isa = "") {
  auto engine = NewCpuEngine(file, {.threads = threads, .isa = isa});
  EXPECT_TRUE(engine.ok()) << engine.status();
  return *std::move(engine);
}

std::unique_ptr<EncodedWindow> Encode(Engine& engine, const std::vector<float>& mel) {
  const absl::Span<const float> window(mel);
  auto encoded = engine.Encode({&window, 1});
  EXPECT_TRUE(encoded.ok()) << encoded.status();
  return std::move((*encoded)[0]);
}

const std::vector<TokenId> kPrompt = {50258, 50259, 50359, 50363};
const std::vector<Head> kHeads = {{1, 1}, {0, 0}, {1, 0}};

// Prompt, one row; then three children with two tokens each; then two of them change places.
std::vector<float> Logits(Engine& engine, const EncodedWindow& window) {
  auto decoding = engine.NewDecoding(window, 4);
  EXPECT_TRUE(decoding.ok()) << decoding.status();
  std::vector<DecodeStep> steps(3);
  steps[0].parents = {0};
  steps[0].tokens = kPrompt;
  steps[0].wanted = {0, 3};
  steps[1].parents = {0, 0, 0};
  steps[1].tokens = {1000, 2000, 3000, 4000, 5000, 6000};
  steps[1].wanted = {1};
  steps[2].parents = {2, 1, 0, 1};
  steps[2].tokens = {7000, 8000, 9000, 10000};
  steps[2].wanted = {0};
  std::vector<float> all;
  for (DecodeStep& step : steps) {
    step.decoding = decoding->get();
    const absl::Status status = engine.Decode({&step, 1});
    EXPECT_TRUE(status.ok()) << status;
    all.insert(all.end(), step.logits.begin(), step.logits.end());
  }
  return all;
}

// Largest difference, and the deviation of what is compared.
struct Difference {
  double largest = 0;
  double deviation = 0;
};

Difference Compare(absl::Span<const float> got, absl::Span<const float> expected) {
  EXPECT_EQ(got.size(), expected.size());
  Difference difference;
  double squares = 0;
  for (size_t i = 0; i < std::min(got.size(), expected.size()); ++i) {
    difference.largest = std::max(difference.largest, std::abs(double{got[i]} - expected[i]));
    squares += double{expected[i]} * expected[i];
  }
  difference.deviation = std::sqrt(squares / static_cast<double>(expected.size()));
  return difference;
}

class CpuEngineTypeTest : public testing::TestWithParam<TensorType> {};

INSTANTIATE_TEST_SUITE_P(All, CpuEngineTypeTest,
                         testing::Values(TensorType::kF32, TensorType::kF16, TensorType::kQ4_0,
                                         TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1,
                                         TensorType::kQ8_0),
                         [](const auto& info) { return std::string(InfoOf(info.param).name); });

TEST_P(CpuEngineTypeTest, LogitsAreThoseOfTheReference) {
  const Made made = Make(GetParam(), 1, 37);
  const std::vector<float> mel = Sound(made.file->parameters(), 1);
  const std::unique_ptr<Engine> reference = NewReferenceEngine(*made.file);
  const std::unique_ptr<EncodedWindow> window = Encode(*reference, mel);
  const std::vector<float> expected = Logits(*reference, *window);
  for (const std::string& isa : CpuInstructionSets()) {
    const std::unique_ptr<Engine> engine = Open(*made.file, 2, isa);
    const std::unique_ptr<EncodedWindow> encoded = Encode(*engine, mel);
    const Difference difference = Compare(Logits(*engine, *encoded), expected);
    EXPECT_LT(difference.largest, 2e-4 * difference.deviation)
        << isa << ", of " << difference.deviation;
    RecordProperty(absl::StrCat("relative_", isa),
                   absl::StrCat(difference.largest / difference.deviation));
  }
}

TEST_P(CpuEngineTypeTest, AlignmentIsThatOfTheReference) {
  const Made made = Make(GetParam(), 2, 37);
  const std::vector<float> mel = Sound(made.file->parameters(), 2);
  const std::vector<TokenId> tokens = {50258, 50259, 50359, 50363, 1, 22, 333, 4444, 50257};
  const std::unique_ptr<Engine> reference = NewReferenceEngine(*made.file);
  const std::unique_ptr<EncodedWindow> window = Encode(*reference, mel);
  const auto expected = reference->Align(*window, tokens, kHeads, 30, 50257);
  ASSERT_TRUE(expected.ok()) << expected.status();
  const std::unique_ptr<Engine> engine = Open(*made.file);
  const std::unique_ptr<EncodedWindow> encoded = Encode(*engine, mel);
  const auto got = engine->Align(*encoded, tokens, kHeads, 30, 50257);
  ASSERT_TRUE(got.ok()) << got.status();
  const Difference scores = Compare(got->scores, expected->scores);
  EXPECT_LT(scores.largest, 2e-4 * scores.deviation);
  ASSERT_EQ(got->probabilities.size(), tokens.size() - 1);
  for (size_t i = 0; i < got->probabilities.size(); ++i) {
    EXPECT_NEAR(got->probabilities[i], expected->probabilities[i],
                1e-3 * expected->probabilities[i] + 1e-12);
  }
}

TEST_P(CpuEngineTypeTest, ThreadsChangeNoBit) {
  const Made made = Make(GetParam(), 3, 100);
  const std::vector<float> mel = Sound(made.file->parameters(), 3);
  std::vector<float> first;
  for (const int threads : {1, 2, 3, 8}) {
    const std::unique_ptr<Engine> engine = Open(*made.file, threads);
    const std::unique_ptr<EncodedWindow> encoded = Encode(*engine, mel);
    std::vector<float> logits = Logits(*engine, *encoded);
    if (first.empty()) first = logits;
    EXPECT_EQ(logits, first) << threads << " threads";
  }
}

TEST_P(CpuEngineTypeTest, NeighboursChangeNoBit) {
  const Made made = Make(GetParam(), 4, 50);
  const std::unique_ptr<Engine> engine = Open(*made.file);
  std::vector<std::unique_ptr<EncodedWindow>> windows;
  std::vector<std::vector<float>> alone;
  const auto prompt = [](size_t i) {
    // Prompts of different lengths, the last ones longer than kernels have rows.
    std::vector<TokenId> tokens = kPrompt;
    for (size_t k = 0; k < i * i; ++k) tokens.push_back(static_cast<TokenId>(100 * k + i));
    return tokens;
  };
  for (size_t i = 0; i < 7; ++i) {
    windows.push_back(Encode(*engine, Sound(made.file->parameters(), i)));
    std::vector<float> logits;
    auto decoding = engine->NewDecoding(*windows[i], 1);
    // One token at a time.
    for (const TokenId token : prompt(i)) {
      DecodeStep step{
          .decoding = decoding->get(), .parents = {0}, .tokens = {token}, .wanted = {0}};
      ASSERT_TRUE(engine->Decode({&step, 1}).ok());
      logits = step.logits;
    }
    alone.push_back(logits);
  }
  for (size_t batch = 1; batch <= 7; ++batch) {
    std::vector<std::unique_ptr<Decoding>> decodings;
    std::vector<DecodeStep> steps(batch);
    for (size_t i = 0; i < batch; ++i) {
      decodings.push_back(*engine->NewDecoding(*windows[i], 1));
      steps[i].decoding = decodings[i].get();
      steps[i].parents = {0};
      steps[i].tokens = prompt(i);
      steps[i].wanted = {static_cast<int>(steps[i].tokens.size()) - 1};
    }
    ASSERT_TRUE(engine->Decode(absl::MakeSpan(steps)).ok());
    for (size_t i = 0; i < batch; ++i) EXPECT_EQ(steps[i].logits, alone[i]) << i << " of " << batch;
  }
}

// 50 models and clips: whatever is added up in another order must not change what is said.
TEST(CpuEngineTest, GreedyTokensAreThoseOfTheReference) {
  const std::vector<TensorType> types = {TensorType::kF32, TensorType::kF16, TensorType::kQ5_1,
                                         TensorType::kQ8_0, TensorType::kQ4_0};
  size_t tokens = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Hyperparameters parameters = *SizeOf(seed % 2 == 0 ? "test" : "test.en");
    parameters.audio_context = seed == 0 ? 400 : 20 + static_cast<int>(seed);
    const std::string bytes = MadeModel({parameters, types[seed % types.size()], seed});
    const auto file = ModelFile::Parse(bytes, "m.bin");
    ASSERT_TRUE(file.ok()) << file.status();
    const std::vector<float> mel = Clip(*file, seed);
    LogitRules rules{.special = SpecialTokens(parameters.vocab)};
    rules.suppressed_first = {220, rules.special.end_of_text};
    const auto greedy = [&](Engine& engine) {
      const std::unique_ptr<EncodedWindow> window = Encode(engine, mel);
      const std::unique_ptr<Decoding> decoding = *engine.NewDecoding(*window, 1);
      GreedyDecoding result;
      result.decoding = decoding.get();
      result.prompt = {rules.special.start_of_transcript};
      result.max_tokens = 24;
      result.rules = &rules;
      const absl::Status status = engine.DecodeGreedy({&result, 1});
      EXPECT_TRUE(status.ok()) << status;
      return result;
    };
    const GreedyDecoding expected = greedy(*NewReferenceEngine(*file));
    const GreedyDecoding got = greedy(*Open(*file, 2));
    EXPECT_EQ(got.tokens, expected.tokens) << "seed " << seed;
    EXPECT_NEAR(got.sum_log_probability, expected.sum_log_probability, 1e-2) << "seed " << seed;
    tokens += expected.tokens.size();
  }
  // So that nothing is compared with nothing.
  EXPECT_GT(tokens, 500U);
}

TEST(CpuEngineTest, Describes) {
  const Made made = Make(TensorType::kF16, 1, 10);
  EXPECT_EQ(Open(*made.file, 1, "sse2")->Describe(), "cpu (SSE2, 1 thread)");
  EXPECT_EQ(Open(*made.file, 3, "sse2")->Describe(), "cpu (SSE2, 3 threads)");
}

TEST(CpuEngineTest, RefusesUnknownInstructions) {
  const Made made = Make(TensorType::kF16, 1, 10);
  const auto engine = NewCpuEngine(*made.file, {.threads = 1, .isa = "mmx"});
  EXPECT_EQ(engine.status().message().substr(0, 52),
            "instructions: cpu engine: got 'mmx', expected avx512");
}

TEST(CpuEngineTest, RefusesTooManyThreads) {
  const Made made = Make(TensorType::kF16, 1, 10);
  EXPECT_EQ(NewCpuEngine(*made.file, {.threads = 1025}).status().message(),
            "threads: cpu engine: got 1025, expected 0 to 1024");
}

TEST(CpuEngineTest, RefusesWindowsOfAnotherSize) {
  const Made made = Make(TensorType::kF16, 1, 10);
  const std::vector<float> mel(2 * 10 * 80 - 1);
  const absl::Span<const float> window(mel);
  EXPECT_EQ(Open(*made.file)->Encode({&window, 1}).status().message(),
            "window: cpu engine: got 1599, expected 1600");
}

class CpuEngineStepTest : public testing::Test {
 protected:
  std::string Message(std::vector<int> parents, std::vector<TokenId> tokens,
                      std::vector<int> wanted) {
    DecodeStep step{.decoding = decoding_.get(),
                    .parents = std::move(parents),
                    .tokens = std::move(tokens),
                    .wanted = std::move(wanted)};
    return std::string(engine_->Decode({&step, 1}).message());
  }

  const Made made_ = Make(TensorType::kF16, 1, 10);
  const std::unique_ptr<Engine> engine_ = Open(*made_.file);
  const std::unique_ptr<EncodedWindow> window_ =
      Encode(*engine_, Sound(made_.file->parameters(), 1));
  const std::unique_ptr<Decoding> decoding_ = *engine_->NewDecoding(*window_, 2);
};

TEST_F(CpuEngineStepTest, RefusesTooManyRows) {
  EXPECT_EQ(Message({0, 0, 0}, {1, 2, 3}, {}), "rows: cpu engine: got 3, expected 1 to 2");
}

TEST_F(CpuEngineStepTest, RefusesUnevenTokens) {
  EXPECT_EQ(Message({0, 0}, {1, 2, 3}, {}),
            "new tokens: cpu engine: got 3, expected as many for each row");
}

TEST_F(CpuEngineStepTest, RefusesParentsThatDoNotExist) {
  EXPECT_EQ(Message({1}, {1}, {}), "parent: cpu engine: got 1, expected 0 to 0");
}

TEST_F(CpuEngineStepTest, RefusesTokensThatDoNotExist) {
  EXPECT_EQ(Message({0}, {51865}, {}), "token: cpu engine: got 51865, expected 0 to 51864");
}

TEST_F(CpuEngineStepTest, RefusesMoreThanTheContext) {
  EXPECT_EQ(Message({0}, std::vector<TokenId>(448, 1), {}), "");
  EXPECT_EQ(Message({0}, {1}, {}), "tokens: cpu engine: got 449, expected at most 448");
}

TEST_F(CpuEngineStepTest, RefusesLogitsOfTokensThatAreNotNew) {
  EXPECT_EQ(Message({0}, {1}, {1}), "wanted: cpu engine: got 1, expected 0 to 0");
}

}  // namespace
}  // namespace rules_inference::infer
