// A program that starts without a driver and says what it has.
#include <cuda_runtime.h>

#include <cstdio>

int main() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  std::printf("runtime %d, %s\n", CUDART_VERSION,
              status == cudaSuccess ? "devices" : "no usable GPU");
  return 0;
}
