#include <cuda_runtime.h>

#include <cstdio>

#include "tests/cuda/compile/kinds.h"

// Runs only where there is a GPU.
int main() {
  int* p = nullptr;
  float* f = nullptr;
  double* d = nullptr;
  if (cudaMalloc(&p, 4096) != cudaSuccess || cudaMalloc(&f, 4096) != cudaSuccess ||
      cudaMalloc(&d, 4096) != cudaSuccess) {
    return 1;
  }
  const cudaError_t error = RunAll(p, f, d);
  std::printf("%s\n", cudaGetErrorName(error));
  return error == cudaSuccess ? 0 : 1;
}
