// A GPU by the CUDA runtime, which opens the driver by itself when it is first asked.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_CUDA_ACCELERATOR_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_CUDA_ACCELERATOR_H_

#include <memory>

#include "absl/status/statusor.h"
#include "plugins/infer/cuda/accelerator.h"

namespace rules_inference::infer::cuda {

// Unavailable, with the reason in few words: no driver, no such device, no code for it.
absl::StatusOr<std::unique_ptr<Accelerator>> NewCudaAccelerator(int index);

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_CUDA_ACCELERATOR_H_
