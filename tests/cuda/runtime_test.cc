// What a build has of a toolkit without a device: the runtime starts, and the compiler makes code
// of the architecture.
#include <cuda_runtime.h>

#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

namespace {

TEST(Runtime, StartsWithoutADriver) {
  int version = 0;
  ASSERT_EQ(cudaRuntimeGetVersion(&version), cudaSuccess);
  EXPECT_EQ(version, CUDART_VERSION);
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  EXPECT_EQ(status == cudaSuccess, count > 0) << cudaGetErrorString(status);
}

TEST(Compiler, MakesACubin) {
  std::ifstream file("tests/cuda/add.cubin", std::ios::binary);
  const std::string cubin{std::istreambuf_iterator<char>(file), {}};
  ASSERT_GT(cubin.size(), 64U);
  EXPECT_EQ(cubin.substr(0, 4), "\177ELF");
  EXPECT_EQ(static_cast<unsigned char>(cubin[18]), 190);  // EM_CUDA
  EXPECT_NE(cubin.find("_Z3AddPK6__halfS1_PS_i"), std::string::npos);
}

}  // namespace
