// What a build without CUDA has in the place of vector_add_gpu.cc.

#include <string>
#include <vector>

#include "examples/cuda/vector_add.h"

namespace example {

std::string WhyNoGpu() { return "built without CUDA"; }

std::string AddOnGpu(const std::vector<float>&, const std::vector<float>&, std::vector<float>&) {
  return WhyNoGpu();
}

}  // namespace example
