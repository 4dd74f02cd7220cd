// The executor of simt.h as an accelerator. For tests.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_SIMT_ACCELERATOR_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_SIMT_ACCELERATOR_H_

#include <cstddef>
#include <memory>

#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/simt.h"

namespace rules_inference::infer::cuda {

struct SimtOptions {
  simt::Options order;
  size_t memory = size_t{4} << 30;
  // Of the calls that can fail, the one that does, and all after it; the first is 0. -1: none.
  int fail_at = -1;
};

std::unique_ptr<Accelerator> NewSimtAccelerator(const SimtOptions& options);

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_SIMT_ACCELERATOR_H_
