#include <cuda_runtime_api.h>

#include <cstdio>

cudaError_t RunScaled(float* p);

int main() { std::printf("%s\n", cudaGetErrorName(RunScaled(nullptr))); }
