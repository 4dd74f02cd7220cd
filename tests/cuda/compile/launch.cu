// A kernel that launches another one, for which the runtime of the device is linked.

#include <cuda_runtime.h>

#include "tests/cuda/compile/scale.cuh"

namespace {

__global__ void Child(float* p) { p[threadIdx.x] *= 2; }

__global__ void ScaleAll(float* p) { Child<<<1, 32>>>(p); }

}  // namespace

cudaError_t RunScaled(float* p) {
  ScaleAll<<<1, 1>>>(p);
  return cudaGetLastError();
}
