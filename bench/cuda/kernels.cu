// Kernels that take a compiler some time and include no header but the runtime's.

#include <cuda_runtime.h>

namespace {

template <int kSize>
__global__ void Multiply(const float* a, const float* b, float* c, int n) {
  __shared__ float tile_a[kSize][kSize];
  __shared__ float tile_b[kSize][kSize];
  const int row = blockIdx.y * kSize + threadIdx.y;
  const int column = blockIdx.x * kSize + threadIdx.x;
  float sum = 0;
  for (int k = 0; k < n; k += kSize) {
    tile_a[threadIdx.y][threadIdx.x] = a[row * n + k + threadIdx.x];
    tile_b[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + column];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kSize; ++i) sum += tile_a[threadIdx.y][i] * tile_b[i][threadIdx.x];
    __syncthreads();
  }
  c[row * n + column] = sum;
}

template <int kSteps>
__global__ void Iterate(float* p) {
  float x = p[threadIdx.x];
#pragma unroll
  for (int i = 0; i < kSteps; ++i) x = __sinf(x) * x + __expf(-x) + static_cast<float>(i);
  p[threadIdx.x] = x;
}

}  // namespace

void RunMultiply(const float* a, const float* b, float* c, int n) {
  Multiply<8><<<1, dim3(8, 8)>>>(a, b, c, n);
  Multiply<16><<<1, dim3(16, 16)>>>(a, b, c, n);
  Multiply<32><<<1, dim3(32, 32)>>>(a, b, c, n);
}

void RunIterate(float* p) {
  Iterate<64><<<1, 32>>>(p);
  Iterate<128><<<1, 32>>>(p);
  Iterate<256><<<1, 32>>>(p);
  Iterate<512><<<1, 32>>>(p);
  Iterate<1024><<<1, 32>>>(p);
}
