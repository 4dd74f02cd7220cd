#include "tests/cuda/compile/scale.cuh"

static __device__ int calls;

__device__ float Scale(float x) {
  atomicAdd(&calls, 1);
  return 2 * x;
}
