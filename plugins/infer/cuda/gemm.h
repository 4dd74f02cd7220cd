// Products with many rows, on tensor cores.
//
// Problem: out[m][n] = sum over k of in[m][k] * weight[n][k], f16 with sums in f32, where weights
// may
//   be quantized.
// Idea: a block computes a tile of the result. It takes a strip of kBlock columns of `in` and of
// the
//   weights at a time to shared memory, in kStages places in turn, so that the strips two ahead are
//   on their way while a strip is multiplied: by asynchronous copies, or through registers where
//   weights have to be unpacked. Each warp multiplies a part of the tile as fragments of Mma.
// Invariant: at the top of step i, after the barrier, strip i is in place i % kStages for all
// threads,
//   and place (i + 2) % kStages, read last in step i - 1, is free.
// Cost: each strip is read once for each tile in its row or column. A row in shared memory has 80
//   bytes, with which eight rows lie in different banks.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_GEMM_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_GEMM_H_

#include <cstddef>
#include <cstdint>

#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/portable.h"
#include "plugins/infer/cuda/weight.h"

namespace rules_inference::infer::cuda {

// kWarpsM * kWarpsN warps, each with kWarpM x 32 of the tile.
template <WeightType kType, int kWarpM, int kWarpsM, int kWarpsN>
struct GemmKernel {
  using Args = GemmArgs;
  static constexpr int kWarpN = 32;
  static constexpr int kTileM = kWarpM * kWarpsM;
  static constexpr int kTileN = kWarpN * kWarpsN;
  static constexpr int kThreads = kWarpsM * kWarpsN * kWarp;
  static constexpr int kMinBlocks = 1;
  static constexpr int kStages = 3;
  static constexpr int kStride = kBlock + 8;
  static constexpr int kChunks = kBlock / 8;  // 16 bytes each, in a row.
  static constexpr int kStage = (kTileM + kTileN) * kStride;
  static constexpr size_t kShared = size_t{2} * kStages * kStage;
  static constexpr int kFragmentsM = kWarpM / 16;
  static constexpr int kFragmentsN = kWarpN / 8;
  static_assert(kTileM * kChunks % kThreads == 0 && kTileN * kChunks % kThreads == 0);
  static_assert(kType == WeightType::kF16 || kTileN * 2 % kThreads == 0);
  static constexpr int kHalfBlocks = kTileN * 2 / kThreads;

  RI_DEVICE static void Copy(const Half* from, int rows, int columns, int first_row, int column,
                             int tile, Half* to) {
    for (int i = ThreadIndex(); i < tile * kChunks; i += kThreads) {
      const int row = i / kChunks;
      const int chunk = i % kChunks;
      const bool valid = first_row + row < rows;
      const int64_t at = static_cast<int64_t>(valid ? first_row + row : 0) * columns + column;
      CopyAsync(to + row * kStride + chunk * 8, from + at + chunk * 8, valid);
    }
  }

  RI_DEVICE static void LoadRaw(const Weight& weight, int first, int strip, HalfBlock* raw) {
#pragma unroll
    for (int i = 0; i < kHalfBlocks; ++i) {
      const int at = ThreadIndex() + i * kThreads;
      const int row = first + at / 2;
      raw[i] = {};
      if (row < weight.rows) {
        const int64_t block = static_cast<int64_t>(row) * (weight.columns / kBlock) + strip;
        raw[i] = LoadHalfBlock<kType>(weight, block, at % 2);
      }
    }
  }

  RI_DEVICE static void StoreRaw(const HalfBlock* raw, Half* to) {
#pragma unroll
    for (int i = 0; i < kHalfBlocks; ++i) {
      const int at = ThreadIndex() + i * kThreads;
      StoreHalfBlock<kType>(raw[i], at % 2, to + at / 2 * kStride);
    }
  }

  RI_DEVICE static void Run(const Args& args, char* shared) {
    auto* const places = reinterpret_cast<Half*>(shared);
    const Weight& weight = args.weight;
    const int first_m = BlockX() * kTileM;
    const int first_n = BlockY() * kTileN;
    const int strips = weight.columns / kBlock;
    const int lane = ThreadIndex() % kWarp;
    const int warp = ThreadIndex() / kWarp;
    const int warp_m = warp / kWarpsN * kWarpM;
    const int warp_n = warp % kWarpsN * kWarpN;
    HalfBlock raw[kHalfBlocks > 0 ? kHalfBlocks : 1];

    for (int strip = 0; strip < kStages - 1; ++strip) {
      Half* const place = places + strip * kStage;
      if (strip < strips) {
        Copy(args.in, args.rows, weight.columns, first_m, strip * kBlock, kTileM, place);
        if constexpr (kType == WeightType::kF16) {
          Copy(static_cast<const Half*>(weight.quants), weight.rows, weight.columns, first_n,
               strip * kBlock, kTileN, place + kTileM * kStride);
        } else {
          LoadRaw(weight, first_n, strip, raw);
          StoreRaw(raw, place + kTileM * kStride);
        }
      }
      CopyCommit();
    }

    float sums[kFragmentsM][kFragmentsN][4] = {};
    for (int strip = 0; strip < strips; ++strip) {
      CopyWait<kStages - 2>();
      Sync();
      const int next = strip + kStages - 1;
      Half* const next_place = places + next % kStages * kStage;
      if (next < strips) {
        Copy(args.in, args.rows, weight.columns, first_m, next * kBlock, kTileM, next_place);
        if constexpr (kType == WeightType::kF16) {
          Copy(static_cast<const Half*>(weight.quants), weight.rows, weight.columns, first_n,
               next * kBlock, kTileN, next_place + kTileM * kStride);
        } else {
          LoadRaw(weight, first_n, next, raw);
        }
      }
      CopyCommit();

      const Half* const a = places + strip % kStages * kStage + warp_m * kStride;
      const Half* const b = places + strip % kStages * kStage + (kTileM + warp_n) * kStride;
#pragma unroll
      for (int k = 0; k < kBlock; k += 16) {
        uint32_t fragments_a[kFragmentsM][4];
        uint32_t fragments_b[kFragmentsN / 2][4];
#pragma unroll
        for (int m = 0; m < kFragmentsM; ++m) {
          LoadMatrices(a + (m * 16 + lane % 16) * kStride + k + lane / 16 * 8, fragments_a[m]);
        }
#pragma unroll
        for (int n = 0; n < kFragmentsN / 2; ++n) {
          LoadMatrices(b + (n * 16 + lane / 16 * 8 + lane % 8) * kStride + k + lane / 8 % 2 * 8,
                       fragments_b[n]);
        }
#pragma unroll
        for (int m = 0; m < kFragmentsM; ++m) {
#pragma unroll
          for (int n = 0; n < kFragmentsN; ++n) {
            Mma(sums[m][n], fragments_a[m], fragments_b[n / 2][n % 2 * 2],
                fragments_b[n / 2][n % 2 * 2 + 1]);
          }
        }
      }
      if constexpr (kType != WeightType::kF16) {
        if (next < strips) StoreRaw(raw, next_place + kTileM * kStride);
      }
    }
    CopyWait<0>();

#pragma unroll
    for (int m = 0; m < kFragmentsM; ++m) {
#pragma unroll
      for (int n = 0; n < kFragmentsN; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int row = first_m + warp_m + m * 16 + lane / 4 + i / 2 * 8;
          const int column = first_n + warp_n + n * 8 + lane % 4 * 2 + i % 2;
          if (row < args.rows && column < weight.rows) {
            Store(args.epilogue, row, column, weight.rows, sums[m][n][i]);
          }
        }
      }
    }
  }
};

template <WeightType kType>
using LargeGemm = GemmKernel<kType, /*kWarpM=*/64, /*kWarpsM=*/2, /*kWarpsN=*/4>;
template <WeightType kType>
using SmallGemm = GemmKernel<kType, /*kWarpM=*/32, /*kWarpsM=*/2, /*kWarpsN=*/2>;

// For one to kFewRows rows. Each warp has kOut rows of the weights, each lane units of them;
// weights are read once, so what counts is that many reads are on their way.
template <WeightType kType, int kRows>
struct GemvKernel {
  using Args = GemvArgs;
  static constexpr int kThreads = 128;
  static constexpr int kMinBlocks = 1;
  static constexpr size_t kShared = 0;
  static constexpr int kOut = 2;

  RI_DEVICE static void Run(const Args& args, char* /*shared*/) {
    const Weight& weight = args.weight;
    const int lane = ThreadIndex() % kWarp;
    const int first = (BlockX() * (kThreads / kWarp) + ThreadIndex() / kWarp) * kOut;
    if (first >= weight.rows) return;  // With its whole warp.
    float sums[kOut * kRows] = {};
#pragma unroll(kRows == 1 ? 4 : 2)
    for (int unit = lane; unit < weight.columns / 8; unit += kWarp) {
      float weights[kOut][8];
#pragma unroll
      for (int o = 0; o < kOut; ++o) {
        // The last row twice, rather than rows that are not there.
        const int row = first + o < weight.rows ? first + o : weight.rows - 1;
        LoadUnit<kType>(weight, row, unit, weights[o]);
      }
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        if (r >= args.rows) continue;
        const Half* const in = args.in + static_cast<int64_t>(r) * weight.columns;
        float values[8];
        if constexpr (HasNibbles(kType)) {
          Load4(in + FirstColumn<kType>(unit), values);
          Load4(in + SecondColumn<kType>(unit), values + 4);
        } else {
          Load8(in + unit * 8, values);
        }
#pragma unroll
        for (int o = 0; o < kOut; ++o) {
#pragma unroll
          for (int i = 0; i < 8; ++i) sums[o * kRows + r] += weights[o][i] * values[i];
        }
      }
    }
    WarpSums(sums);
    float mine = 0;
#pragma unroll
    for (int i = 0; i < kOut * kRows; ++i) {
      if (lane == i) mine = sums[i];
    }
    const int row = lane % kRows;
    const int column = first + lane / kRows;
    if (lane < kOut * kRows && row < args.rows && column < weight.rows) {
      Store(args.epilogue, row, column, weight.rows, mine);
    }
  }
};

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_GEMM_H_
