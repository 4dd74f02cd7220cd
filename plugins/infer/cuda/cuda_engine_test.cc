// With everything that a program with CUDA has: without a GPU it falls back, with one it is right.

#include "plugins/infer/cuda/cuda_engine.h"

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/cuda/blas.h"
#include "plugins/infer/device.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model.h"
#include "plugins/infer/reference_engine.h"
#include "plugins/infer/test_model.h"
#include "rules/cuda/device.h"

namespace rules_inference::infer {
namespace {

using rules_inference::cuda::WhyNoGpu;

std::unique_ptr<Model> MakeModel(int context = 37) {
  Hyperparameters p = *SizeOf("test");
  p.audio_context = context;
  return *Model::Parse(MadeModel({.parameters = p, .seed = 7}), "m.bin");
}

TEST(CudaEngineTest, WithoutAGpuTheCpuDoesTheWorkAndOneLineSaysWhy) {
  const std::string reason = WhyNoGpu();
  if (reason.empty()) GTEST_SKIP() << "there is a GPU";
  if (std::getenv("RULES_INFERENCE_REQUIRE_GPU") != nullptr) FAIL() << reason;
  const std::unique_ptr<Model> model = MakeModel();
  std::vector<std::string> notes;
  const auto note = [&](absl::string_view line) { notes.emplace_back(line); };
  const auto engine = OpenEngine(*model, {}, note);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_TRUE(absl::StartsWith((*engine)->Describe(), "cpu"));
  EXPECT_EQ(notes,
            std::vector<std::string>{absl::StrCat("no usable GPU: ", reason, "; using the CPU")});
  EXPECT_EQ(OpenEngine(*model, {.kind = DeviceOptions::Kind::kCuda}, note).status().message(),
            absl::StrCat("no usable GPU: ", reason));
}

std::vector<float> Logits(Engine& engine) {
  const Hyperparameters& p = engine.parameters();
  std::vector<float> mel;
  for (int i = 0; i < 2 * p.audio_context * p.mels; ++i) {
    mel.push_back(std::sin(0.37F * static_cast<float>(i)));
  }
  const absl::Span<const float> span = mel;
  auto windows = engine.Encode(absl::MakeConstSpan(&span, 1));
  EXPECT_TRUE(windows.ok()) << windows.status();
  auto decoding = engine.NewDecoding(*(*windows)[0], 1);
  EXPECT_TRUE(decoding.ok()) << decoding.status();
  DecodeStep step = {.decoding = decoding->get(), .parents = {0}, .wanted = {0, 19}};
  for (int i = 0; i < 20; ++i) step.tokens.push_back(50257 - 7 * i);
  EXPECT_TRUE(engine.Decode(absl::MakeSpan(&step, 1)).ok());
  std::vector<float> logits = std::move(step.logits);
  step = {.decoding = decoding->get(), .parents = {0}, .tokens = {11}, .wanted = {0}};
  EXPECT_TRUE(engine.Decode(absl::MakeSpan(&step, 1)).ok());
  logits.insert(logits.end(), step.logits.begin(), step.logits.end());
  return logits;
}

TEST(CudaEngineTest, WithAGpuItGivesWhatTheReferenceGives) {
  if (!WhyNoGpu().empty()) GTEST_SKIP() << "no usable GPU: " << WhyNoGpu();
  const std::unique_ptr<Model> model = MakeModel();
  const auto engine = NewCudaEngine(model->file(), {});
  ASSERT_TRUE(engine.ok()) << engine.status();
  const std::vector<float> got = Logits(**engine);
  const std::vector<float> expected = Logits(*NewReferenceEngine(model->file()));
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 0.05) << i;
}

// Products of so many rows are the library's, where the machine has it.
TEST(CudaEngineTest, WithALibraryItGivesWhatTheReferenceGives) {
  if (!WhyNoGpu().empty()) GTEST_SKIP() << "no usable GPU: " << WhyNoGpu();
  const std::unique_ptr<Model> model = MakeModel(2 * cuda::kBlasRows);
  std::string said;
  const auto engine = NewCudaEngine(
      model->file(), {.note = [&](absl::string_view line) { absl::StrAppend(&said, line, "\n"); }});
  ASSERT_TRUE(engine.ok()) << engine.status();
  const std::vector<float> got = Logits(**engine);
  const std::vector<float> expected = Logits(*NewReferenceEngine(model->file()));
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 0.05) << i;
  if (!said.empty()) GTEST_SKIP() << said;
  EXPECT_TRUE(absl::StrContains((*engine)->Describe(), " with cuBLASLt 13."))
      << (*engine)->Describe();
}

}  // namespace
}  // namespace rules_inference::infer
