// Calls something of each library; without a driver they say so, and none of them is missing.
#include <cublas_v2.h>
#include <cudnn.h>
#include <cufft.h>
#include <curand.h>
#include <cusolverDn.h>
#include <cusparse.h>
#include <nccl.h>
#include <nvJitLink.h>
#include <nvrtc.h>
#include <nvtx3/nvToolsExt.h>

#include <cstdio>

int main() {
  nvtxRangePushA("libraries");
  cublasHandle_t blas = nullptr;
  std::printf("cublas %d\n", static_cast<int>(cublasCreate(&blas)));
  cudnnHandle_t dnn = nullptr;
  std::printf("cudnn %zu %d\n", cudnnGetVersion(), static_cast<int>(cudnnCreate(&dnn)));
  int version = 0;
  std::printf("cufft %d", static_cast<int>(cufftGetVersion(&version)));
  std::printf(" %d\n", version);
  std::printf("curand %d", static_cast<int>(curandGetVersion(&version)));
  std::printf(" %d\n", version);
  std::printf("cusolver %d", static_cast<int>(cusolverGetVersion(&version)));
  std::printf(" %d\n", version);
  cusparseHandle_t sparse = nullptr;
  std::printf("cusparse %d\n", static_cast<int>(cusparseCreate(&sparse)));
  std::printf("nccl %d", static_cast<int>(ncclGetVersion(&version)));
  std::printf(" %d\n", version);
  unsigned major = 0;
  unsigned minor = 0;
  std::printf("nvjitlink %d", static_cast<int>(nvJitLinkVersion(&major, &minor)));
  std::printf(" %u.%u\n", major, minor);
  nvrtcProgram program = nullptr;
  nvrtcCreateProgram(&program, "__global__ void F() {}", "f.cu", 0, nullptr, nullptr);
  std::printf("nvrtc %d\n", static_cast<int>(nvrtcCompileProgram(program, 0, nullptr)));
}
