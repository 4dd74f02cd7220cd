#include <cuda_runtime.h>

#include <cstddef>

#include "examples/cuda/kernels.h"

namespace {

__global__ void Add(const float* a, const float* b, float* sum, size_t size) {
  const size_t i = blockIdx.x * size_t{blockDim.x} + threadIdx.x;
  if (i < size) sum[i] = a[i] + b[i];
}

// Memory of the device, freed at the end of its scope.
class DeviceFloats {
 public:
  explicit DeviceFloats(size_t size) : error_(cudaMalloc(&data_, size * sizeof(float))) {}
  ~DeviceFloats() { cudaFree(data_); }
  DeviceFloats(const DeviceFloats&) = delete;
  DeviceFloats& operator=(const DeviceFloats&) = delete;
  float* data() const { return data_; }
  cudaError_t error() const { return error_; }

 private:
  float* data_ = nullptr;
  cudaError_t error_;
};

cudaError_t Run(const float* a, const float* b, float* sum, size_t size) {
  const size_t bytes = size * sizeof(float);
  const DeviceFloats device_a(size);
  const DeviceFloats device_b(size);
  const DeviceFloats device_sum(size);
  for (const DeviceFloats* floats : {&device_a, &device_b, &device_sum}) {
    if (floats->error() != cudaSuccess) return floats->error();
  }
  cudaMemcpy(device_a.data(), a, bytes, cudaMemcpyHostToDevice);
  cudaMemcpy(device_b.data(), b, bytes, cudaMemcpyHostToDevice);
  Add<<<static_cast<unsigned>((size + 255) / 256), 256>>>(device_a.data(), device_b.data(),
                                                          device_sum.data(), size);
  if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess) return error;
  return cudaMemcpy(sum, device_sum.data(), bytes, cudaMemcpyDeviceToHost);
}

}  // namespace

const char* ExampleAdd(const float* a, const float* b, float* sum, size_t size) {
  const cudaError_t error = Run(a, b, sum, size);
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}
