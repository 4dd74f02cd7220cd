#ifndef RULES_INFERENCE_EXAMPLES_CUDA_POLYNOMIAL_CUH_
#define RULES_INFERENCE_EXAMPLES_CUDA_POLYNOMIAL_CUH_

// x * x + 1. Defined in another source than the kernel that calls it.
__device__ float Polynomial(float x);

#endif  // RULES_INFERENCE_EXAMPLES_CUDA_POLYNOMIAL_CUH_
