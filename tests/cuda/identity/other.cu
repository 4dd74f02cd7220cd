__device__ float Twice(float x) { return 2 * x; }
