#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <cstdio>

int main() { std::printf("cublas %d, cudart %d\n", FakeCublas(), FakeCudart()); }
