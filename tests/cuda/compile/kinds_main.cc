// Registers everything with the runtime, and says what the first launch gives.

#include <cstdio>

#include "tests/cuda/compile/kinds.h"

int main() { std::printf("%s\n", cudaGetErrorName(RunAll(nullptr, nullptr, nullptr))); }
