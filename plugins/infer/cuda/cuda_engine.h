// The engine on an NVIDIA GPU.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_CUDA_ENGINE_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_CUDA_ENGINE_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {

struct CudaOptions {
  // Which GPU, as the driver counts them.
  int index = 0;
  // Given single lines for people: why a library that the program has code for is not used.
  std::function<void(absl::string_view)> note = [](absl::string_view) {};
};

// `file` has to outlive the result. Errors say in few words why there is no such engine: no driver,
// no device, no code for it, not enough memory. Nothing is left behind then.
absl::StatusOr<std::unique_ptr<Engine>> NewCudaEngine(const ModelFile& file,
                                                      const CudaOptions& options);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_CUDA_ENGINE_H_
