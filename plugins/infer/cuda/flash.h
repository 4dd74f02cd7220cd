// Attention of many queries to all keys, on tensor cores.
//
// Problem: softmax(query * key / 8) * value for each head, without the matrix of all products,
// which
//   has 1500 x 1500 numbers for each.
// Idea (Dao et al. 2022): a block has kTile queries of one head and goes over the keys in tiles. It
//   keeps, for each query, the largest product so far, the sum of exp(product - largest) and the
//   sum of values with these weights; when a larger product comes, both sums are scaled down to it.
// Invariant: sum of values / sum of weights is the result over the keys so far.
// Cost: keys and values are read once for each kTile queries; the next tile is on its way
// meanwhile.
//   Products stay in registers: as fragments C of the first product they are fragments A of the
//   second. A row in shared memory has 144 bytes, with which eight rows lie in different banks.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_FLASH_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_FLASH_H_

#include <cstddef>
#include <cstdint>

#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/portable.h"

namespace rules_inference::infer::cuda {

struct FlashKernel {
  using Args = FlashArgs;
  static constexpr int kTile = 64;
  static constexpr int kThreads = 128;
  static constexpr int kMinBlocks = 2;
  static constexpr int kStride = kHead + 8;
  static constexpr int kPlace = kTile * kStride;
  // Queries, and twice keys and values.
  static constexpr size_t kShared = size_t{2} * 5 * kPlace;

  RI_DEVICE static void Copy(const Half* from, int stride, int first, int rows, Half* to) {
#pragma unroll
    for (int i = ThreadIndex(); i < kTile * kHead / 8; i += kThreads) {
      const int row = i / (kHead / 8);
      const int chunk = i % (kHead / 8);
      const bool valid = first + row < rows;
      const int64_t at = static_cast<int64_t>(valid ? first + row : 0) * stride;
      CopyAsync(to + row * kStride + chunk * 8, from + at + chunk * 8, valid);
    }
  }

  RI_DEVICE static void Run(const Args& args, char* shared) {
    auto* const queries = reinterpret_cast<Half*>(shared);
    Half* const keys = queries + kPlace;
    Half* const values = keys + 2 * kPlace;
    const int lane = ThreadIndex() % kWarp;
    const int warp_row = ThreadIndex() / kWarp * 16;
    const int first = BlockX() * kTile;
    const int head = BlockY() * kHead;
    const int64_t window = BlockZ();
    const Half* const query = args.query + window * args.queries * args.query_stride + head;
    const Half* const key = args.key + window * args.keys * args.key_stride + head;
    const Half* const value = args.value + window * args.keys * args.key_stride + head;
    const int tiles = (args.keys + kTile - 1) / kTile;

    Copy(query, args.query_stride, first, args.queries, queries);
    Copy(key, args.key_stride, 0, args.keys, keys);
    Copy(value, args.key_stride, 0, args.keys, values);
    CopyCommit();

    uint32_t a[kHead / 16][4];
    float out[kHead / 8][4] = {};
    // Of rows lane / 4 and lane / 4 + 8; `weights` of the columns that this lane has.
    float largest[2] = {-Infinity(), -Infinity()};
    float weights[2] = {0, 0};
    // Scaled products are powers of two: exp(x / 8) = exp2(x * kScale).
    constexpr float kScale = 0.125F * 1.44269504F;

    for (int tile = 0; tile < tiles; ++tile) {
      if (tile + 1 < tiles) {
        const int place = (tile + 1) % 2 * kPlace;
        Copy(key, args.key_stride, (tile + 1) * kTile, args.keys, keys + place);
        Copy(value, args.key_stride, (tile + 1) * kTile, args.keys, values + place);
      }
      CopyCommit();
      CopyWait<1>();
      Sync();
      if (tile == 0) {
#pragma unroll
        for (int k = 0; k < kHead / 16; ++k) {
          LoadMatrices(queries + (warp_row + lane % 16) * kStride + k * 16 + lane / 16 * 8, a[k]);
        }
      }
      const Half* const tile_keys = keys + tile % 2 * kPlace;
      const Half* const tile_values = values + tile % 2 * kPlace;

      float scores[kTile / 8][4] = {};
#pragma unroll
      for (int k = 0; k < kHead / 16; ++k) {
#pragma unroll
        for (int n = 0; n < kTile / 16; ++n) {
          uint32_t b[4];
          LoadMatrices(
              tile_keys + (n * 16 + lane / 16 * 8 + lane % 8) * kStride + k * 16 + lane / 8 % 2 * 8,
              b);
          Mma(scores[n * 2], a[k], b[0], b[1]);
          Mma(scores[n * 2 + 1], a[k], b[2], b[3]);
        }
      }

      float next[2] = {largest[0], largest[1]};
#pragma unroll
      for (int n = 0; n < kTile / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const bool valid = tile * kTile + n * 8 + lane % 4 * 2 + i % 2 < args.keys;
          scores[n][i] = valid ? scores[n][i] * kScale : -Infinity();
          next[i / 2] = fmaxf(next[i / 2], scores[n][i]);
        }
      }
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        next[i] = fmaxf(next[i], ShuffleXor(next[i], 1));
        next[i] = fmaxf(next[i], ShuffleXor(next[i], 2));
        const float shrink = exp2f(largest[i] - next[i]);
        largest[i] = next[i];
        weights[i] *= shrink;
#pragma unroll
        for (int n = 0; n < kHead / 8; ++n) {
          out[n][i * 2] *= shrink;
          out[n][i * 2 + 1] *= shrink;
        }
      }
#pragma unroll
      for (int n = 0; n < kTile / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          scores[n][i] = exp2f(scores[n][i] - largest[i / 2]);
          weights[i / 2] += scores[n][i];
        }
      }

#pragma unroll
      for (int k = 0; k < kTile / 16; ++k) {
        const uint32_t p[4] = {Pack(scores[k * 2][0], scores[k * 2][1]),
                               Pack(scores[k * 2][2], scores[k * 2][3]),
                               Pack(scores[k * 2 + 1][0], scores[k * 2 + 1][1]),
                               Pack(scores[k * 2 + 1][2], scores[k * 2 + 1][3])};
#pragma unroll
        for (int n = 0; n < kHead / 16; ++n) {
          uint32_t b[4];
          LoadMatricesTransposed(tile_values + (k * 16 + lane / 8 % 2 * 8 + lane % 8) * kStride +
                                     n * 16 + lane / 16 * 8,
                                 b);
          Mma(out[n * 2], p, b[0], b[1]);
          Mma(out[n * 2 + 1], p, b[2], b[3]);
        }
      }
      Sync();  // Before the place is filled anew.
    }
    CopyWait<0>();

#pragma unroll
    for (int i = 0; i < 2; ++i) {
      float sum = weights[i];
      sum += ShuffleXor(sum, 1);
      sum += ShuffleXor(sum, 2);
      const int row = first + warp_row + lane / 4 + i * 8;
      if (row >= args.queries) continue;
      Half* const to =
          args.out + (window * args.queries + row) * args.out_stride + head + lane % 4 * 2;
#pragma unroll
      for (int n = 0; n < kHead / 8; ++n) {
        *reinterpret_cast<uint32_t*>(to + n * 8) =
            Pack(out[n][i * 2] / sum, out[n][i * 2 + 1] / sum);
      }
    }
  }
};

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_FLASH_H_
