// The smallest kernel that includes headers of all parts of a compiler tree.
#include <cuda_fp16.h>

#include <cuda/std/type_traits>

__global__ void Add(const __half* a, const __half* b, __half* sum, int count) {
  static_assert(cuda::std::is_same_v<decltype(__hadd(*a, *b)), __half>);
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) sum[i] = __hadd(a[i], b[i]);
}
