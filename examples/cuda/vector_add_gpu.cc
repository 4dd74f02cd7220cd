#include <string>
#include <vector>

#include "examples/cuda/kernels.h"
#include "examples/cuda/vector_add.h"
#include "rules/cuda/device.h"

namespace example {

std::string WhyNoGpu() { return rules_inference::cuda::WhyNoGpu(); }

std::string AddOnGpu(const std::vector<float>& a, const std::vector<float>& b,
                     std::vector<float>& sum) {
  sum.resize(a.size());
  const char* error = ExampleAdd(a.data(), b.data(), sum.data(), a.size());
  return error == nullptr ? "" : error;
}

}  // namespace example
