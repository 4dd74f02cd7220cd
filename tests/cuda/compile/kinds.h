#ifndef RULES_INFERENCE_TESTS_CUDA_COMPILE_KINDS_H_
#define RULES_INFERENCE_TESTS_CUDA_COMPILE_KINDS_H_

#include <cuda_runtime_api.h>

// Launches one kernel of each kind.
cudaError_t RunAll(int* p, float* f, double* d);

#endif  // RULES_INFERENCE_TESTS_CUDA_COMPILE_KINDS_H_
