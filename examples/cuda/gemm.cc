// Multiplies two matrices with cuBLAS, or without it where there is no GPU.

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <iostream>
#include <string>

#include "rules/cuda/device.h"

namespace {

// 2 x 2, column by column.
using Matrix = std::array<float, 4>;

void MultiplyOnCpu(const Matrix& a, const Matrix& b, Matrix& c) {
  for (size_t row = 0; row < 2; ++row) {
    for (size_t column = 0; column < 2; ++column) {
      c[column * 2 + row] = a[row] * b[column * 2] + a[2 + row] * b[column * 2 + 1];
    }
  }
}

bool MultiplyOnGpu(const Matrix& a, const Matrix& b, Matrix& c) {
  float* device = nullptr;
  cublasHandle_t handle = nullptr;
  if (cudaMalloc(reinterpret_cast<void**>(&device), 3 * sizeof(Matrix)) != cudaSuccess)
    return false;
  cudaMemcpy(device, a.data(), sizeof(a), cudaMemcpyHostToDevice);
  cudaMemcpy(device + 4, b.data(), sizeof(b), cudaMemcpyHostToDevice);
  const float one = 1;
  const float zero = 0;
  const bool done =
      cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS &&
      cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &one, device, 2, device + 4, 2, &zero,
                  device + 8, 2) == CUBLAS_STATUS_SUCCESS &&
      cudaMemcpy(c.data(), device + 8, sizeof(c), cudaMemcpyDeviceToHost) == cudaSuccess;
  if (handle != nullptr) cublasDestroy(handle);
  cudaFree(device);
  return done;
}

}  // namespace

int main() {
  const Matrix a = {1, 2, 3, 4};
  const Matrix b = {5, 6, 7, 8};
  Matrix c = {};
  const std::string reason = rules_inference::cuda::WhyNoGpu();
  if (!reason.empty()) {
    std::cerr << "no usable GPU: " << reason << "; using the CPU\n";
    MultiplyOnCpu(a, b, c);
  } else if (!MultiplyOnGpu(a, b, c)) {
    std::cerr << "error: gemm: cuBLAS failed\n";
    return 1;
  }
  for (const float value : c) std::cout << value << " ";
  std::cout << "\n";
}
