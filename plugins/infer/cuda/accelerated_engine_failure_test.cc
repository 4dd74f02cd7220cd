// Devices that fail, and calls that ask for what there is not. The accelerator ends the test when
// memory is left behind.

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
#include "plugins/infer/cuda/accelerated_engine.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/blas.h"
#include "plugins/infer/cuda/simt_accelerator.h"
#include "plugins/infer/cuda/simt_blas.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/fallback_engine.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/reference_engine.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer::cuda {
namespace {

class FailureTest : public testing::Test {
 protected:
  FailureTest() {
    Hyperparameters p = *SizeOf("test");
    p.audio_context = 4;
    p.text_context = 16;
    bytes_ = MadeModel({.parameters = p, .seed = 3});
    file_ = std::make_unique<ModelFile>(*ModelFile::Parse(bytes_, "m.bin"));
    for (int i = 0; i < 8 * 80; ++i) mel_.push_back(std::sin(0.3F * static_cast<float>(i)));
  }

  absl::StatusOr<std::unique_ptr<Engine>> Open(const SimtOptions& options) const {
    return NewAcceleratedEngine(NewSimtAccelerator(options), *file_);
  }

  // With a library; what is said is kept. Products of 2 rows and more, none of which is recorded.
  absl::StatusOr<std::unique_ptr<Engine>> OpenWith(const BlasLibrary& library,
                                                   const SimtOptions& options = {}) {
    lines_.clear();
    return NewAcceleratedEngine(NewSimtAccelerator(options), *file_,
                                {.blas = &library, .blas_rows = 2, .note = [this](auto line) {
                                   lines_.emplace_back(line);
                                 }});
  }

  void ExpectReferencesWork(Engine& engine) {
    if (expected_.empty()) expected_ = *Work(*NewReferenceEngine(*file_));
    const auto got = Work(engine);
    ASSERT_TRUE(got.ok()) << got.status();
    ASSERT_EQ(got->size(), expected_.size());
    for (size_t i = 0; i < got->size(); ++i) ASSERT_NEAR((*got)[i], expected_[i], 0.05) << i;
  }

  absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encode(Engine& engine,
                                                                     size_t count) const {
    const std::vector<absl::Span<const float>> mels(count, mel_);
    return engine.Encode(mels);
  }

  // Tokens and numbers of a short piece of work.
  absl::StatusOr<std::vector<float>> Work(Engine& engine) const {
    ASSIGN_OR_RETURN(const auto windows, Encode(engine, 1));
    ASSIGN_OR_RETURN(const auto decoding, engine.NewDecoding(*windows[0], 2));
    std::vector<float> out;
    DecodeStep step = {
        .decoding = decoding.get(), .parents = {0, 0}, .tokens = {50258, 7}, .wanted = {0}};
    RETURN_IF_ERROR(engine.Decode(absl::MakeSpan(&step, 1)));
    for (size_t i = 0; i < step.logits.size(); i += 997) out.push_back(step.logits[i]);
    const LogitRules rules = {.special = SpecialTokens(engine.parameters().vocab)};
    ASSIGN_OR_RETURN(const auto fresh, engine.NewDecoding(*windows[0], 1));
    GreedyDecoding greedy = {
        .decoding = fresh.get(), .prompt = {50258}, .max_tokens = 2, .rules = &rules};
    RETURN_IF_ERROR(engine.DecodeGreedy(absl::MakeSpan(&greedy, 1)));
    for (const TokenId token : greedy.tokens) out.push_back(static_cast<float>(token));
    return out;
  }

  std::string bytes_;
  std::unique_ptr<ModelFile> file_;
  std::vector<float> mel_;
  std::vector<std::string> lines_;
  std::vector<float> expected_;
};

TEST_F(FailureTest, WhereverTheDeviceFailsTheCpuGoesOn) {
  const auto expected = Work(*NewReferenceEngine(*file_));
  ASSERT_TRUE(expected.ok());
  bool fails = true;
  int in_work = 0;
  for (int fail_at = 3; fails; fail_at += 43) {
    SCOPED_TRACE(fail_at);
    auto device = Open({.fail_at = fail_at});
    if (!device.ok()) {
      EXPECT_EQ(device.status(), absl::InternalError("the device is lost"));
      continue;
    }
    fails = false;
    const auto engine = NewFallbackEngine(
        *std::move(device),
        [this]() -> absl::StatusOr<std::unique_ptr<Engine>> { return NewReferenceEngine(*file_); },
        [&](absl::string_view line) {
          EXPECT_EQ(line, "simt failed: the device is lost; going on with the CPU");
          fails = true;
          ++in_work;
        });
    const auto got = Work(*engine);
    ASSERT_TRUE(got.ok()) << got.status();
    ASSERT_EQ(got->size(), expected->size());
    for (size_t i = 0; i < got->size(); ++i) ASSERT_NEAR((*got)[i], (*expected)[i], 0.05) << i;
  }
  EXPECT_GE(in_work, 2);
}

TEST_F(FailureTest, WhereverTheLibraryFailsOwnKernelsGoOn) {
  bool fails = true;
  int in_work = 0;
  for (int fail_at = 0; fails; fail_at += fail_at < 3 ? 1 : 11) {
    SCOPED_TRACE(fail_at);
    const BlasLibrary library = SimtBlas({.fail_at = fail_at});
    const auto engine = OpenWith(library);
    ASSERT_TRUE(engine.ok()) << engine.status();
    const bool opened = lines_.empty();
    EXPECT_EQ((*engine)->Describe(), opened ? "simt with plain loops" : "simt");
    ExpectReferencesWork(**engine);
    fails = !lines_.empty();
    if (!fails) break;
    if (opened) ++in_work;
    EXPECT_EQ(lines_,
              std::vector<std::string>{
                  opened ? "plain loops failed: the library is tired; going on with own kernels"
                         : "no usable plain loops: the library is tired; using own kernels"});
    EXPECT_EQ((*engine)->Describe(), "simt");
  }
  EXPECT_GE(in_work, 3);
}

TEST_F(FailureTest, ALibraryThatIsWrongIsNotUsed) {
  const BlasLibrary library = SimtBlas({.wrong = true});
  const auto engine = OpenWith(library);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ(lines_,
            std::vector<std::string>{"no usable plain loops: wrong results; using own kernels"});
  ExpectReferencesWork(**engine);
}

TEST_F(FailureTest, WhereMemoryIsShortThereIsNoLibrary) {
  // Windows that need more than the check at the start.
  Hyperparameters p = *SizeOf("test");
  p.audio_context = 400;
  bytes_ = MadeModel({.parameters = p, .seed = 3});
  file_ = std::make_unique<ModelFile>(*ModelFile::Parse(bytes_, "m.bin"));
  size_t memory = size_t{6} << 20;
  while (!Open({.memory = memory}).ok()) memory += size_t{16} << 10;
  constexpr size_t kWorkspace = size_t{2} << 20;
  const BlasLibrary library = SimtBlas({.workspace = kWorkspace});
  // With the library, windows would not have what the engine counts on.
  ASSERT_TRUE(OpenWith(library, {.memory = memory + kWorkspace - (size_t{64} << 10)}).ok());
  EXPECT_EQ(lines_, std::vector<std::string>{
                        "no usable plain loops: not enough memory; using own kernels"});
  // It does not even start.
  ASSERT_TRUE(OpenWith(library, {.memory = memory}).ok());
  EXPECT_EQ(lines_,
            std::vector<std::string>{"no usable plain loops: out of memory; using own kernels"});
  ASSERT_TRUE(OpenWith(library, {.memory = memory + 2 * kWorkspace}).ok());
  EXPECT_TRUE(lines_.empty());
}

TEST_F(FailureTest, WhereverTheDeviceFailsUnderALibraryTheCpuGoesOn) {
  const BlasLibrary library = SimtBlas();
  int in_work = 0;
  for (int fail_at = 110;; fail_at += 29) {
    SCOPED_TRACE(fail_at);
    auto device = OpenWith(library, {.fail_at = fail_at});
    if (!device.ok()) continue;
    bool fails = false;
    const auto engine = NewFallbackEngine(
        *std::move(device),
        [this]() -> absl::StatusOr<std::unique_ptr<Engine>> { return NewReferenceEngine(*file_); },
        [&](absl::string_view) { fails = true; });
    ExpectReferencesWork(*engine);
    if (!fails) break;
    ++in_work;
  }
  EXPECT_GE(in_work, 2);
}

TEST_F(FailureTest, AModelThatDoesNotFitIsNotLoaded) {
  const auto engine = Open({.memory = size_t{5} << 20});
  EXPECT_EQ(engine.status(),
            absl::ResourceExhaustedError("the model needs 7 MB, the device has 5 MB free"));
}

TEST_F(FailureTest, EncodesFewerWindowsAtOnceWhenMemoryIsShort) {
  // What one window needs.
  size_t memory = size_t{6} << 20;
  for (;; memory += size_t{16} << 10) {
    const auto engine = Open({.memory = memory});
    if (engine.ok() && Encode(**engine, 1).ok()) break;
  }
  // And what eight more leave behind, but not what they need on the way.
  const auto engine = Open({.memory = memory + (size_t{24} << 10)});
  ASSERT_TRUE(engine.ok()) << engine.status();
  const auto windows = Encode(**engine, 9);
  ASSERT_TRUE(windows.ok()) << windows.status();
  EXPECT_EQ(windows->size(), 9U);
}

TEST_F(FailureTest, RefusesWhatNoEngineCanDo) {
  const auto opened = Open({});
  ASSERT_TRUE(opened.ok());
  Engine& engine = **opened;
  const std::vector<float> three(3);
  const absl::Span<const float> span = three;
  EXPECT_EQ(engine.Encode(absl::MakeConstSpan(&span, 1)).status().message(),
            "window: CUDA engine: got 3, expected 640");
  const auto windows = Encode(engine, 1);
  ASSERT_TRUE(windows.ok());
  EXPECT_EQ(engine.NewDecoding(*(*windows)[0], 0).status().message(),
            "rows: CUDA engine: got 0, expected 1 to 64");
  const auto decoding = engine.NewDecoding(*(*windows)[0], 2);
  ASSERT_TRUE(decoding.ok());
  const auto message = [&](DecodeStep step) {
    step.decoding = decoding->get();
    return std::string(engine.Decode(absl::MakeSpan(&step, 1)).message());
  };
  EXPECT_EQ(message({.parents = {0, 0, 0}, .tokens = {1, 2, 3}}),
            "rows: CUDA engine: got 3, expected 1 to 2");
  EXPECT_EQ(message({.parents = {0, 0}, .tokens = {1, 2, 3}}),
            "new tokens: CUDA engine: got 3, expected as many for each row");
  EXPECT_EQ(message({.parents = {1}, .tokens = {1}}),
            "parent: CUDA engine: got 1, expected below 1");
  EXPECT_EQ(message({.parents = {0}, .tokens = {1}, .wanted = {1}}),
            "wanted: CUDA engine: got 1, expected below 1");
  EXPECT_EQ(message({.parents = {0}, .tokens = {51865}}),
            "token: CUDA engine: got 51865, expected 0 to 51864");
  EXPECT_EQ(message({.parents = {0}, .tokens = std::vector<TokenId>(17)}),
            "tokens: CUDA engine: got 17, expected at most 16");
  const std::vector<TokenId> tokens = {1, 2};
  const std::vector<Head> heads = {{2, 0}};
  EXPECT_EQ(engine.Align(*(*windows)[0], tokens, heads, 4, 50257).status().message(),
            "head: CUDA engine: got 2,0, expected below 2,1");
  EXPECT_EQ(engine.Align(*(*windows)[0], tokens, {}, 5, 50257).status().message(),
            "frames: CUDA engine: got 5, expected at most 4");
}

TEST_F(FailureTest, ASequenceThatFillsTheContextIsAnError) {
  const auto engine = Open({});
  ASSERT_TRUE(engine.ok());
  const auto windows = Encode(**engine, 1);
  ASSERT_TRUE(windows.ok());
  const auto decoding = (*engine)->NewDecoding(*(*windows)[0], 1);
  ASSERT_TRUE(decoding.ok());
  LogitRules rules = {.special = SpecialTokens(51865), .timestamps = false};
  rules.suppressed = {rules.special.end_of_text};
  GreedyDecoding greedy = {.decoding = decoding->get(),
                           .prompt = std::vector<TokenId>(15, 50258),
                           .max_tokens = 5,
                           .rules = &rules};
  EXPECT_EQ((*engine)->DecodeGreedy(absl::MakeSpan(&greedy, 1)).message(),
            "tokens: CUDA engine: got 17, expected at most 16");
}

}  // namespace
}  // namespace rules_inference::infer::cuda
