// What own kernels do before and after a product of a library (blas.h).

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_UNPACK_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_UNPACK_H_

#include <cstddef>
#include <cstdint>

#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/portable.h"
#include "plugins/infer/cuda/weight.h"

namespace rules_inference::infer::cuda {

// Libraries multiply f16. A thread unpacks half of a block: 16 weights from 8 or 16 bytes.
template <WeightType kType>
struct UnpackKernel {
  using Args = UnpackArgs;
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 1;
  static constexpr size_t kShared = 0;

  // BlockX has kThreads halves of blocks, of all rows in turn: rows are whole blocks.
  RI_DEVICE static void Run(const Args& args, char* /*shared*/) {
    const int64_t at = static_cast<int64_t>(BlockX()) * kThreads + ThreadIndex();
    const int64_t blocks = static_cast<int64_t>(args.weight.rows) * (args.weight.columns / kBlock);
    if (at >= blocks * 2) return;
    const int64_t block = at / 2;
    const int half = static_cast<int>(at % 2);
    StoreHalfBlock<kType>(LoadHalfBlock<kType>(args.weight, block, half), half,
                          args.out + block * kBlock);
  }
};

struct FinishKernel {
  using Args = FinishArgs;
  static constexpr int kThreads = 128;
  static constexpr int kMinBlocks = 1;
  static constexpr size_t kShared = 0;

  RI_DEVICE static void Finish(const Args& args, int column, float* eight) {
    if (args.gelu != 0) {
#pragma unroll
      for (int i = 0; i < 8; ++i) eight[i] = Gelu(eight[i]);
    }
    if (args.add != nullptr) {
      const float* const add =
          args.add + static_cast<int64_t>(BlockX() % args.add_period) * args.columns + column;
#pragma unroll
      for (int i = 0; i < 8; ++i) eight[i] += add[i];
    }
  }

  // BlockX is a row; a thread has eight neighbours of it at a time.
  RI_DEVICE static void Run(const Args& args, char* /*shared*/) {
    const int64_t row = static_cast<int64_t>(BlockX()) * args.columns;
    for (int column = ThreadIndex() * 8; column < args.columns; column += kThreads * 8) {
      float eight[8];
      if (args.halves != nullptr) {
        Half* const at = args.halves + row + column;
        Load8(at, eight);
        Finish(args, column, eight);
        Store8(eight, at);
      } else {
        float* const at = args.values + row + column;
#pragma unroll
        for (int i = 0; i < 8; ++i) eight[i] = at[i];
        Finish(args, column, eight);
#pragma unroll
        for (int i = 0; i < 8; ++i) at[i] = eight[i];
      }
    }
  }
};

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_UNPACK_H_
