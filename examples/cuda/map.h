#ifndef RULES_INFERENCE_EXAMPLES_CUDA_MAP_H_
#define RULES_INFERENCE_EXAMPLES_CUDA_MAP_H_

#include <string>
#include <vector>

namespace example {

// Puts x * x + 1 in the place of each x. Returns "" or what went wrong.
std::string MapOnGpu(std::vector<float>& values);

}  // namespace example

#endif  // RULES_INFERENCE_EXAMPLES_CUDA_MAP_H_
