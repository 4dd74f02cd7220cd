// Which device runs a model: a GPU where there is a usable one and the program has code for it,
// else the CPU, with one line that says why.
//
// A program has code for GPUs when //plugins/infer/cuda:registered is linked in.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DEVICE_H_
#define RULES_INFERENCE_PLUGINS_INFER_DEVICE_H_

#include <functional>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {

struct DeviceOptions {
  enum class Kind {
    kAuto,  // The GPU that can do it, else the CPU.
    kCpu,
    kCuda,  // A GPU, else an error.
  };
  Kind kind = Kind::kAuto;
  // Which GPU, as the driver counts them.
  int index = 0;
  // Of the CPU; 0: the cores that this process may use.
  int threads = 0;

  bool operator==(const DeviceOptions&) const = default;
};

// "auto", "cpu", "cuda", "cuda:1".
absl::StatusOr<DeviceOptions> ParseDevice(absl::string_view text);

// `model` has to outlive the result. `note` is given single lines for people: why the CPU does the
// work, now or later. An engine on a GPU that fails hands over to the CPU (fallback_engine.h),
// unless `options` asks for a GPU: then it is an error.
absl::StatusOr<std::unique_ptr<Engine>> OpenEngine(
    const Model& model, const DeviceOptions& options,
    absl::AnyInvocable<void(absl::string_view)> note);

// What opens an engine on a GPU. Its errors are the reason why there is none; `note` is given
// single lines for people as long as the engine lives.
using CudaEngineFactory = absl::StatusOr<std::unique_ptr<Engine>> (*)(
    const ModelFile& file, int index, std::function<void(absl::string_view)> note);

// Called before main by the code for GPUs, where it is linked in; tests bring their own.
void RegisterCuda(CudaEngineFactory factory);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DEVICE_H_
