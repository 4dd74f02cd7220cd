#include <cuda_runtime.h>

#include <cstddef>

#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/launch.h"
#include "plugins/infer/cuda/launch_cuda.h"

namespace rules_inference::infer::cuda {
namespace {

// What a kernel may take without asking.
constexpr size_t kFreeShared = size_t{48} << 10;

template <typename K>
__global__ void __launch_bounds__(K::kThreads, K::kMinBlocks)
    Entry(const __grid_constant__ typename K::Args args) {
  extern __shared__ __align__(16) char shared[];
  K::Run(args, shared);
}

struct Launcher {
  cudaStream_t stream;

  template <typename K>
  int Run(int x, int y, int z, size_t shared, const typename K::Args& args) {
    if (shared > kFreeShared) {
      const cudaError_t error = cudaFuncSetAttribute(
          Entry<K>, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
      if (error != cudaSuccess) return error;
    }
    const dim3 grid(static_cast<unsigned>(x), static_cast<unsigned>(y), static_cast<unsigned>(z));
    Entry<K><<<grid, K::kThreads, shared, stream>>>(args);
    return cudaGetLastError();
  }
};

}  // namespace
}  // namespace rules_inference::infer::cuda

int RulesInferenceInferLaunch(void* stream, int kernel, const void* args) {
  namespace cuda = rules_inference::infer::cuda;
  cuda::Launcher launcher = {static_cast<cudaStream_t>(stream)};
  return cuda::Launch(launcher, static_cast<cuda::Kernel>(kernel), args);
}

int RulesInferenceInferHasCode(void) {
  namespace cuda = rules_inference::infer::cuda;
  cudaFuncAttributes attributes;
  const cudaError_t error = cudaFuncGetAttributes(&attributes, cuda::Entry<cuda::NormKernel>);
  cudaGetLastError();  // It is told; later calls start without it.
  return error;
}
