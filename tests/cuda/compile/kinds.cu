// Every kind of name that host code and cubins have to agree on.

#include <cuda_runtime.h>

#include <cassert>
#include <cstdio>
#include <cub/block/block_reduce.cuh>

#include "tests/cuda/compile/kinds.h"

static __device__ int static_counter;
static __constant__ float static_scale;
__device__ int exported_counter;
__managed__ int managed_counter;

namespace {

__device__ int hidden_counter;

__global__ void Anonymous(int* p, int n) {
  assert(n > 0);
  p[threadIdx.x] = n + atomicAdd(&static_counter, 1) + atomicAdd(&hidden_counter, 1);
  printf("%d\n", n);
}

}  // namespace

static __global__ void Static(float* p) { p[threadIdx.x] *= static_scale; }

template <typename T>
__global__ void Sum(const T* values, T* sum) {
  using Reduce = cub::BlockReduce<T, 128>;
  __shared__ typename Reduce::TempStorage storage;
  const T total = Reduce(storage).Sum(values[threadIdx.x]);
  if (threadIdx.x == 0) *sum = total;
}

extern "C" __global__ void c_kernel(int* p) { *p = managed_counter + exported_counter; }

template <typename F>
__global__ void Apply(int* p, F f) {
  p[threadIdx.x] = f(p[threadIdx.x]);
}

cudaError_t RunAll(int* p, float* f, double* d) {
  const int one = 1;
  const float scale = 2;
  if (const cudaError_t error = cudaMemcpyToSymbol(static_counter, &one, sizeof(one));
      error != cudaSuccess) {
    return error;
  }
  cudaMemcpyToSymbol(hidden_counter, &one, sizeof(one));
  cudaMemcpyToSymbol(exported_counter, &one, sizeof(one));
  cudaMemcpyToSymbol(static_scale, &scale, sizeof(scale));
  managed_counter = 2;
  Anonymous<<<1, 32>>>(p, 1);
  Static<<<1, 32>>>(f);
  Sum<float><<<1, 128>>>(f, f);
  Sum<double><<<1, 128>>>(d, d);
  c_kernel<<<1, 1>>>(p);
  Apply<<<1, 32>>>(p, [] __device__(int x) { return x + 1; });
  return cudaDeviceSynchronize();
}
