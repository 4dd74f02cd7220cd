#ifndef RULES_INFERENCE_EXAMPLES_CUDA_VECTOR_ADD_H_
#define RULES_INFERENCE_EXAMPLES_CUDA_VECTOR_ADD_H_

#include <string>
#include <vector>

namespace example {

// Why a GPU cannot be used here; "" when one can.
std::string WhyNoGpu();

// On the GPU: sum = a + b, which have the same size. Returns "" or what went wrong.
std::string AddOnGpu(const std::vector<float>& a, const std::vector<float>& b,
                     std::vector<float>& sum);

}  // namespace example

#endif  // RULES_INFERENCE_EXAMPLES_CUDA_VECTOR_ADD_H_
