#include "plugins/infer/device.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/reference_engine.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

using Kind = DeviceOptions::Kind;

TEST(ParseDeviceTest, KnowsTheNamesOfDevices) {
  EXPECT_EQ(*ParseDevice("auto"), DeviceOptions{});
  EXPECT_EQ(*ParseDevice("cpu"), DeviceOptions{.kind = Kind::kCpu});
  EXPECT_EQ(*ParseDevice("cuda"), DeviceOptions{.kind = Kind::kCuda});
  EXPECT_EQ(*ParseDevice("cuda:12"), (DeviceOptions{.kind = Kind::kCuda, .index = 12}));
}

TEST(ParseDeviceTest, RefusesTheRest) {
  for (const absl::string_view text :
       {"", "CPU", "cuda:", "cuda:-1", "cuda:+1", "cuda: 1", "cuda:1x", "cuda:1000", "gpu"}) {
    const auto options = ParseDevice(text);
    EXPECT_TRUE(absl::StrContains(options.status().message(), "device: --device: got '")) << text;
    EXPECT_TRUE(absl::EndsWith(options.status().message(), "', expected auto, cpu, cuda or cuda:N"))
        << options.status();
  }
}

class OpenEngineTest : public testing::Test {
 protected:
  OpenEngineTest() {
    Hyperparameters p = *SizeOf("test");
    p.audio_context = 8;
    model_ = *Model::Parse(MadeModel({.parameters = p}), "m.bin");
  }
  ~OpenEngineTest() override { RegisterCuda(nullptr); }

  absl::StatusOr<std::unique_ptr<Engine>> Open(Kind kind) {
    return OpenEngine(*model_, {.kind = kind, .index = 2, .threads = 1},
                      [this](absl::string_view line) { notes_.emplace_back(line); });
  }

  static bool IsCpu(const Engine& engine) { return absl::StartsWith(engine.Describe(), "cpu"); }

  std::unique_ptr<Model> model_;
  std::vector<std::string> notes_;
};

using Note = std::function<void(absl::string_view)>;

absl::StatusOr<std::unique_ptr<Engine>> Broken(const ModelFile&, int, Note) {
  return absl::UnavailableError("no driver");
}

absl::StatusOr<std::unique_ptr<Engine>> Working(const ModelFile& file, int index, Note note) {
  EXPECT_EQ(index, 2);
  note("without a library");
  return NewReferenceEngine(file);
}

TEST_F(OpenEngineTest, WithoutCudaItIsTheCpuAndNobodyIsTold) {
  const auto engine = Open(Kind::kAuto);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_TRUE(IsCpu(**engine));
  EXPECT_TRUE(notes_.empty());
}

TEST_F(OpenEngineTest, WithoutCudaAGpuIsAnError) {
  EXPECT_EQ(Open(Kind::kCuda).status(),
            absl::UnavailableError("no usable GPU: built without CUDA"));
}

TEST_F(OpenEngineTest, WithoutAUsableGpuItIsTheCpuWithOneLine) {
  RegisterCuda(Broken);
  const auto engine = Open(Kind::kAuto);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_TRUE(IsCpu(**engine));
  EXPECT_EQ(notes_, std::vector<std::string>{"no usable GPU: no driver; using the CPU"});
}

TEST_F(OpenEngineTest, AGpuThatIsAskedForHasToWork) {
  RegisterCuda(Broken);
  EXPECT_EQ(Open(Kind::kCuda).status(), absl::UnavailableError("no usable GPU: no driver"));
  EXPECT_TRUE(notes_.empty());
}

TEST_F(OpenEngineTest, TakesTheGpuThatWorks) {
  RegisterCuda(Working);
  for (const Kind kind : {Kind::kAuto, Kind::kCuda}) {
    const auto engine = Open(kind);
    ASSERT_TRUE(engine.ok()) << engine.status();
    EXPECT_EQ((*engine)->Describe(), "reference (double precision)");
    EXPECT_EQ(std::exchange(notes_, {}), std::vector<std::string>{"without a library"});
  }
}

TEST_F(OpenEngineTest, TheCpuThatIsAskedForAsksNoGpu) {
  RegisterCuda([](const ModelFile&, int, Note) -> absl::StatusOr<std::unique_ptr<Engine>> {
    ADD_FAILURE();
    return absl::InternalError("");
  });
  const auto engine = Open(Kind::kCpu);
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_TRUE(IsCpu(**engine));
}

}  // namespace
}  // namespace rules_inference::infer
