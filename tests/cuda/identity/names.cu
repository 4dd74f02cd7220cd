// What nvcc names after process ids and directories when nobody stops it, and no header but the runtime's.

#include <cuda_runtime.h>

#include <cassert>
#include <cstdio>

static __device__ int counter;
static __constant__ float scale;

namespace {

__global__ void Anonymous(int* p, int n) {
  assert(n > 0);
  p[threadIdx.x] = n + atomicAdd(&counter, 1);
  printf("%d\n", n);
}

template <typename T>
__global__ void Scale(T* p) {
  p[threadIdx.x] *= static_cast<T>(scale);
}

void RunAnonymous(int* p) {
  Anonymous<<<1, 32>>>(p, 1);
  Scale<<<1, 32>>>(p);
}

// Nothing of this file has a name for others: then nvcc uses its process id.
const bool ran = [] {
  RunAnonymous(nullptr);
  return true;
}();

}  // namespace
