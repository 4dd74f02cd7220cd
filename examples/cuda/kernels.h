// What is compiled by nvcc has plain types at its border: the C++ library around it may be another
// one (docs/hermetic_cc.md).

#ifndef RULES_INFERENCE_EXAMPLES_CUDA_KERNELS_H_
#define RULES_INFERENCE_EXAMPLES_CUDA_KERNELS_H_

#include <cstddef>

// sum = a + b. Null, or what went wrong.
extern "C" const char* ExampleAdd(const float* a, const float* b, float* sum, size_t size);

#endif  // RULES_INFERENCE_EXAMPLES_CUDA_KERNELS_H_
