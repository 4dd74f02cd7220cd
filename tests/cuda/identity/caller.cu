extern __device__ float Twice(float x);

namespace {
__global__ void TwiceAll(float* p) { p[threadIdx.x] = Twice(p[threadIdx.x]); }
}  // namespace

void RunTwice(float* p) { TwiceAll<<<1, 32>>>(p); }
