// Linked into a program, it gives //plugins/infer:device its GPUs.

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/infer/cuda/cuda_engine.h"
#include "plugins/infer/device.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {
namespace {

[[maybe_unused]] const bool registered = [] {
  RegisterCuda(
      [](const ModelFile& file, int index,
         std::function<void(absl::string_view)> note) -> absl::StatusOr<std::unique_ptr<Engine>> {
        return NewCudaEngine(file, CudaOptions{.index = index, .note = std::move(note)});
      });
  return true;
}();

}  // namespace
}  // namespace rules_inference::infer
