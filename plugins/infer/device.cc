#include "plugins/infer/device.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/infer/cpu/cpu_engine.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/fallback_engine.h"
#include "plugins/infer/model.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {
namespace {

constexpr absl::string_view kNone = "no usable GPU: ";
constexpr absl::string_view kInstead = "; using the CPU";

// Set before main, if at all.
CudaEngineFactory cuda_factory = nullptr;

absl::StatusOr<std::unique_ptr<Engine>> OpenCuda(const ModelFile& file, int index,
                                                 std::function<void(absl::string_view)> note) {
  if (cuda_factory == nullptr) return absl::UnavailableError("built without CUDA");
  return cuda_factory(file, index, std::move(note));
}

}  // namespace

void RegisterCuda(CudaEngineFactory factory) { cuda_factory = factory; }

absl::StatusOr<DeviceOptions> ParseDevice(absl::string_view text) {
  DeviceOptions options;
  absl::string_view index = text;
  if (text == "auto") return options;
  if (text == "cpu") {
    options.kind = DeviceOptions::Kind::kCpu;
    return options;
  }
  options.kind = DeviceOptions::Kind::kCuda;
  if (text == "cuda") return options;
  // SimpleAtoi takes signs and spaces as well.
  if (absl::ConsumePrefix(&index, "cuda:") && !index.empty() && index.size() <= 3 &&
      index.find_first_not_of("0123456789") == absl::string_view::npos &&
      absl::SimpleAtoi(index, &options.index)) {
    return options;
  }
  return base::Mismatch("device", "--device", base::Quoted(text), "auto, cpu, cuda or cuda:N");
}

absl::StatusOr<std::unique_ptr<Engine>> OpenEngine(
    const Model& model, const DeviceOptions& options,
    absl::AnyInvocable<void(absl::string_view)> note) {
  const ModelFile& file = model.file();
  const auto open_cpu = [&file, threads = options.threads] {
    return NewCpuEngine(file, CpuOptions{.threads = threads});
  };
  if (options.kind == DeviceOptions::Kind::kCpu) return open_cpu();
  // The engine and what falls back from it say things.
  const auto shared =
      std::make_shared<absl::AnyInvocable<void(absl::string_view)>>(std::move(note));
  const auto say = [shared](absl::string_view line) { (*shared)(line); };
  absl::StatusOr<std::unique_ptr<Engine>> device = OpenCuda(file, options.index, say);
  if (options.kind == DeviceOptions::Kind::kCuda) {
    if (device.ok()) return device;
    return absl::Status(device.status().code(), absl::StrCat(kNone, device.status().message()));
  }
  if (device.ok()) return NewFallbackEngine(*std::move(device), open_cpu, say);
  // Who built without CUDA did not hope for a GPU.
  if (cuda_factory != nullptr) say(absl::StrCat(kNone, device.status().message(), kInstead));
  return open_cpu();
}

}  // namespace rules_inference::infer
