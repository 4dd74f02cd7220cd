// Kernels over rows: norms, windows of convolutions, embeddings, copies.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_ROWS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_ROWS_H_

#include <cstddef>
#include <cstdint>

#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/portable.h"
#include "plugins/infer/cuda/weight.h"

namespace rules_inference::infer::cuda {

// A block for each row, which it reads once. The variance is of differences from the mean, so that
// nothing cancels.
struct NormKernel {
  using Args = NormArgs;
  static constexpr int kThreads = 128;
  static constexpr int kMinBlocks = 1;
  static constexpr int kWarps = kThreads / kWarp;
  static constexpr size_t kShared = sizeof(float) * 2 * kWarps;
  static constexpr int kValues = kMostColumns / kThreads;

  RI_DEVICE static float Sum(float value, float* place) {
    value = WarpSum(value);
    if (ThreadIndex() % kWarp == 0) place[ThreadIndex() / kWarp] = value;
    Sync();
    value = 0;
#pragma unroll
    for (int i = 0; i < kWarps; ++i) value += place[i];
    return value;
  }

  // BlockX is a row.
  RI_DEVICE static void Run(const Args& args, char* shared) {
    auto* const places = reinterpret_cast<float*>(shared);
    const float* const in = args.in + static_cast<int64_t>(BlockX()) * args.columns;
    Half* const out = args.out + static_cast<int64_t>(BlockX()) * args.columns;
    const auto size = static_cast<float>(args.columns);
    float values[kValues];
    float sum = 0;
#pragma unroll
    for (int i = 0; i < kValues; ++i) {
      const int column = i * kThreads + ThreadIndex();
      values[i] = column < args.columns ? in[column] : 0;
      sum += values[i];
    }
    const float mean = Sum(sum, places) / size;
    float squares = 0;
#pragma unroll
    for (int i = 0; i < kValues; ++i) {
      values[i] -= mean;
      if (i * kThreads + ThreadIndex() < args.columns) squares += values[i] * values[i];
    }
    const float scale = 1.0F / sqrtf(Sum(squares, places + kWarps) / size + 1e-5F);
#pragma unroll
    for (int i = 0; i < kValues; ++i) {
      const int column = i * kThreads + ThreadIndex();
      if (column < args.columns) {
        out[column] = ToHalf(values[i] * scale * args.weight[column] + args.bias[column]);
      }
    }
  }
};

struct UnfoldKernel {
  using Args = UnfoldArgs;
  static constexpr int kThreads = 128;
  static constexpr int kMinBlocks = 1;
  static constexpr size_t kShared = 0;

  // BlockX is a row of the result.
  RI_DEVICE static void Run(const Args& args, char* /*shared*/) {
    const int window = BlockX() / args.out_frames;
    const int frame = BlockX() % args.out_frames;
    Half* const out = args.out + static_cast<int64_t>(BlockX()) * args.columns;
    for (int i = ThreadIndex(); i < args.columns; i += kThreads) {
      const int channel = i / 3;
      const int from = frame * args.stride + i % 3 - 1;
      Half value = {0};
      if (channel < args.channels && from >= 0 && from < args.in_frames) {
        const int64_t at =
            (static_cast<int64_t>(window) * args.in_frames + from) * args.channels + channel;
        value = args.in != nullptr ? ToHalf(args.in[at]) : args.in_half[at];
      }
      out[i] = value;
    }
  }
};

template <WeightType kType>
struct EmbedKernel {
  using Args = EmbedArgs;
  static constexpr int kThreads = 64;
  static constexpr int kMinBlocks = 1;
  static constexpr size_t kShared = 0;

  // BlockX is a row.
  RI_DEVICE static void Run(const Args& args, char* /*shared*/) {
    const Row& row = args.row_info[BlockX()];
    if (row.active == 0) return;
    const int columns = args.embedding.columns;
    const float* const position = args.positions + static_cast<int64_t>(row.position) * columns;
    float* const out = args.out + static_cast<int64_t>(BlockX()) * columns;
    for (int unit = ThreadIndex(); unit < columns / 8; unit += kThreads) {
      float values[8];
      LoadUnit<kType>(args.embedding, row.token, unit, values);
      for (int i = 0; i < 8; ++i) {
        const int column = i < 4 ? FirstColumn<kType>(unit) + i : SecondColumn<kType>(unit) + i - 4;
        out[column] = values[i] + position[column];
      }
    }
  }
};

struct GatherKernel {
  using Args = GatherArgs;
  static constexpr int kThreads = 64;
  static constexpr int kMinBlocks = 1;
  static constexpr size_t kShared = 0;

  // BlockX is a row of the result.
  RI_DEVICE static void Run(const Args& args, char* /*shared*/) {
    const Half* const in = args.in + static_cast<int64_t>(args.rows[BlockX()]) * args.columns;
    Half* const out = args.out + static_cast<int64_t>(BlockX()) * args.columns;
    for (int i = ThreadIndex(); i < args.columns; i += kThreads) out[i] = in[i];
  }
};

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_ROWS_H_
