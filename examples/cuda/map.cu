#include <cuda_runtime.h>

#include <string>
#include <vector>

#include "examples/cuda/map.h"
#include "examples/cuda/polynomial.cuh"

namespace example {
namespace {

__global__ void Map(float* values, unsigned size) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < size) values[i] = Polynomial(values[i]);
}

}  // namespace

std::string MapOnGpu(std::vector<float>& values) {
  float* device = nullptr;
  const size_t bytes = values.size() * sizeof(float);
  const unsigned size = static_cast<unsigned>(values.size());
  cudaError_t error = cudaMalloc(&device, bytes);
  if (error == cudaSuccess) {
    cudaMemcpy(device, values.data(), bytes, cudaMemcpyHostToDevice);
    Map<<<(size + 255) / 256, 256>>>(device, size);
    error = cudaGetLastError();
    if (error == cudaSuccess) {
      error = cudaMemcpy(values.data(), device, bytes, cudaMemcpyDeviceToHost);
    }
    cudaFree(device);
  }
  return error == cudaSuccess ? "" : cudaGetErrorString(error);
}

}  // namespace example
