// Adds two vectors, on the GPU where there is one.

#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include "examples/cuda/vector_add.h"

int main() {
  const std::vector<float> a = {1, 2, 3, 4};
  const std::vector<float> b = {10, 20, 30, 40};
  std::vector<float> sum(a.size());
  const std::string reason = example::WhyNoGpu();
  if (reason.empty()) {
    if (const std::string error = example::AddOnGpu(a, b, sum); !error.empty()) {
      std::cerr << "error: vector_add: " << error << "\n";
      return 1;
    }
  } else {
    std::cerr << "no usable GPU: " << reason << "; using the CPU\n";
    for (size_t i = 0; i < a.size(); ++i) sum[i] = a[i] + b[i];
  }
  for (const float value : sum) std::cout << value << " ";
  std::cout << "\n";
}
