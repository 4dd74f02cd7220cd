#include <cuda_runtime.h>

#include <cstdio>

int main() {
  int version = 0;
  const int status = cudaRuntimeGetVersion(&version);
  std::printf("%d %d\n", status, version);
}
