// Products by cuBLASLt, which is opened when it is asked for.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_CUBLASLT_BLAS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_CUBLASLT_BLAS_H_

#include "plugins/infer/cuda/blas.h"

namespace rules_inference::infer::cuda {

// `soname`: what the loader is asked for; another one for tests.
BlasLibrary CublasLt(const char* soname);

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_CUBLASLT_BLAS_H_
