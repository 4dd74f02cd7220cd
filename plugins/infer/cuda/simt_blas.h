// Products in plain loops, where a program on a GPU has a library. For tests.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_SIMT_BLAS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_SIMT_BLAS_H_

#include <cstddef>

#include "plugins/infer/cuda/blas.h"

namespace rules_inference::infer::cuda {

struct SimtBlasOptions {
  // Of the products, the one that fails, and all after it; the first is 0. -1: none.
  int fail_at = -1;
  // Memory of the device that it keeps.
  size_t workspace = 1;
  // All of them are a little wrong.
  bool wrong = false;
  // Counted in, when not null.
  int* products = nullptr;
};

// "plain loops", of a SimtAccelerator.
BlasLibrary SimtBlas(const SimtBlasOptions& options = {});

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_SIMT_BLAS_H_
