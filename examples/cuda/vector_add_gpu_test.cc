#include <iostream>
#include <string>
#include <vector>

#include "examples/cuda/vector_add.h"

// Gets here only where there is a GPU.
int main() {
  std::vector<float> sum;
  const std::string error = example::AddOnGpu({1, 2}, {10, 20}, sum);
  if (error.empty() && sum == std::vector<float>{11, 22}) return 0;
  std::cerr << "vector_add: got '" << error << "', expected 11 22\n";
  return 1;
}
