// Plays a GPU on one core of the CPU, so that kernels run, and are tested, where there is none.
//
// Problem: the source of a kernel is written for thousands of threads that meet at barriers,
// exchange
//   registers within warps and share memory within blocks.
// Idea: the blocks of a grid run one after another; the threads of a block are fibers. A fiber runs
//   until it has to wait for others, at a barrier or in an exchange within its warp, and is resumed
//   when the last of them has come.
// What it finds: reads and writes outside of a buffer (each ends at a page that nobody may touch),
//   shared and device memory that is read before it was written (it starts as NaNs), lanes of one
//   warp in different exchanges, threads that miss a barrier, asynchronous copies that are used
//   without waiting (`late_copies` does them at the last moment, otherwise at the first) and
//   results that hang on the order of threads (`reverse`). What it does not: races that neither
//   order shows, bank conflicts, speed.
// Cost: some 10 ns each time a thread waits.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_SIMT_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_SIMT_H_

#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"

namespace rules_inference::infer::cuda::simt {

struct Options {
  // Threads and warps run last to first.
  bool reverse = false;
  bool late_copies = false;
};

struct Grid {
  int x = 1;
  int y = 1;
  int z = 1;
};

// Runs `kernel` on each thread; it is given the shared memory of its block. Ends the process with a
// message when threads do what a device would not survive.
void RunGrid(const Options& options, Grid grid, int threads, size_t shared,
             absl::FunctionRef<void(char*)> kernel);

// Memory that ends where a page that cannot be touched begins, filled with 0xff. `alignment` is the
// least that it has: what is between the last byte and the page is less than that.
class Fence {
 public:
  explicit Fence(size_t size, size_t alignment = 16);
  ~Fence();
  Fence(const Fence&) = delete;
  Fence& operator=(const Fence&) = delete;

  char* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  char* pages_;
  size_t pages_size_;
  char* data_;
  size_t size_;
};

// Within RunGrid, of the thread that calls.
int ThreadIndex();
int BlockIndex(int dimension);
void SyncBlock();
uint32_t ShuffleXor(uint32_t value, int mask);
float WarpSum(float value);
// In place, of each of `count` values.
constexpr int kMostSums = 16;
void WarpSums(float* values, int count);
float WarpMax(float value);
void CopyAsync(void* to, const void* from, bool valid);
void CopyCommit();
void CopyWait(int groups);
void LoadMatrices(const void* row, bool transposed, uint32_t (&out)[4]);
void Mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);

// Anywhere.
float HalfValue(uint16_t half);
uint16_t HalfBits(float value);

}  // namespace rules_inference::infer::cuda::simt

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_SIMT_H_
