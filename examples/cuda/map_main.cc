// Computes a polynomial, whose device code is in two sources.

#include <iostream>
#include <string>
#include <vector>

#include "examples/cuda/map.h"
#include "rules/cuda/device.h"

int main() {
  std::vector<float> values = {1, 2, 3, 4};
  const std::string reason = rules_inference::cuda::WhyNoGpu();
  if (!reason.empty()) {
    std::cerr << "no usable GPU: " << reason << "; using the CPU\n";
    for (float& value : values) value = value * value + 1;
  } else if (const std::string error = example::MapOnGpu(values); !error.empty()) {
    std::cerr << "error: map: " << error << "\n";
    return 1;
  }
  for (const float value : values) std::cout << value << " ";
  std::cout << "\n";
}
