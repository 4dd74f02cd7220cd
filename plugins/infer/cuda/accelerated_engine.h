// The CUDA engine on any accelerator.
//
// What runs where: the host says what is computed and keeps account of tokens and slots; numbers
// stay on the device. encoder.h has the way of sound, decoder.h that of tokens, greedy_decoder.h
// decoding that stays on the device altogether, slots.h where keys and values lie.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_ACCELERATED_ENGINE_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_ACCELERATED_ENGINE_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/blas.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer::cuda {

struct EngineOptions {
  // For products with `blas_rows` rows and more; null: own kernels do all of them.
  const BlasLibrary* blas = nullptr;
  int blas_rows = kBlasRows;
  // Given single lines for people: why there is no library, now or later. Needed with `blas`.
  std::function<void(absl::string_view)> note;
};

// `file` is not needed any more afterwards. Errors: those of the accelerator; ResourceExhausted
// before anything is loaded when the model needs more memory than there is.
absl::StatusOr<std::unique_ptr<Engine>> NewAcceleratedEngine(
    std::unique_ptr<Accelerator> accelerator, const ModelFile& file,
    const EngineOptions& options = {});

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_ACCELERATED_ENGINE_H_
