// Attention of few queries, as decoding has them: to the tokens before, and to the window.
//
// Problem: one query of one head looks at up to 1500 keys; each key and value is used once, so it
// is
//   all about reading them in wide words by as many lanes as possible.
// Idea: a block has one query of one head and a piece of the keys. Eight lanes share a key, 16
// bytes
//   each, so a warp reads four keys at once. Products, then their weights, are kept in shared
//   memory; then eight lanes share a value in the same way. Pieces are combined afterwards by their
//   largest product and the sum of their weights.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_ATTENTION_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_ATTENTION_H_

#include <cstddef>
#include <cstdint>

#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/portable.h"

namespace rules_inference::infer::cuda {

constexpr int kAttentionThreads = 128;
constexpr int kAttentionWarps = kAttentionThreads / kWarp;
constexpr int kLanesPerKey = kHead / 8;
constexpr int kKeysPerWarp = kWarp / kLanesPerKey;
constexpr int kKeysPerBlock = kAttentionWarps * kKeysPerWarp;
// Keys, or values, that a lane has on their way at once: reading takes long.
constexpr int kAhead = 4;

// Shared memory: the sum of values of each warp, largest product and sum of weights of each warp, a
// product for each key.
constexpr size_t AttentionShared(int keys) {
  return sizeof(float) * static_cast<size_t>(kAttentionWarps * kHead + 2 * kAttentionWarps + keys);
}

struct Attended {
  float largest = 0;
  float weights = 0;
  // Of dimension ThreadIndex(), where that is less than kHead: sum of values, weighted.
  float sum = 0;
};

// `key(i)` and `value(i)` give the kHead numbers of key i, of `count`.
template <typename Key, typename Value>
RI_DEVICE Attended Attend(const Half* query, int count, Key key, Value value, char* shared) {
  auto* const sums = reinterpret_cast<float*>(shared);
  float* const warp_largest = sums + kAttentionWarps * kHead;
  float* const warp_weights = warp_largest + kAttentionWarps;
  float* const products = warp_weights + kAttentionWarps;
  const int lane = ThreadIndex() % kWarp;
  const int warp = ThreadIndex() / kWarp;
  const int part = lane % kLanesPerKey * 8;
  const int first = warp * kKeysPerWarp + lane / kLanesPerKey;

  float q[8];
  Load8(query + part, q);
  float largest = -Infinity();
  for (int start = first; start - first < count; start += kAhead * kKeysPerBlock) {
    Word4 words[kAhead];
#pragma unroll
    for (int a = 0; a < kAhead; ++a) {
      const int i = start + a * kKeysPerBlock;
      words[a] = {0, 0, 0, 0};
      if (i < count) words[a] = *reinterpret_cast<const Word4*>(key(i) + part);
    }
#pragma unroll
    for (int a = 0; a < kAhead; ++a) {
      const int i = start + a * kKeysPerBlock;
      float k[8];
      Unpack8(words[a], k);
      float product = 0;
#pragma unroll
      for (int j = 0; j < 8; ++j) product += q[j] * k[j];
      product += ShuffleXor(product, 1);
      product += ShuffleXor(product, 2);
      product += ShuffleXor(product, 4);
      product *= 0.125F;
      if (i < count) {
        if (part == 0) products[i] = product;
        largest = fmaxf(largest, product);
      }
    }
  }
  largest = WarpMax(largest);
  if (lane == 0) warp_largest[warp] = largest;
  Sync();
#pragma unroll
  for (int i = 0; i < kAttentionWarps; ++i) largest = fmaxf(largest, warp_largest[i]);

  float weights = 0;
  for (int i = ThreadIndex(); i < count; i += kAttentionThreads) {
    const float weight = expf(products[i] - largest);
    products[i] = weight;
    weights += weight;
  }
  weights = WarpSum(weights);
  if (lane == 0) warp_weights[warp] = weights;
  Sync();
  weights = 0;
#pragma unroll
  for (int i = 0; i < kAttentionWarps; ++i) weights += warp_weights[i];

  float sum[8] = {};
  for (int start = first; start < count; start += kAhead * kKeysPerBlock) {
    Word4 words[kAhead];
#pragma unroll
    for (int a = 0; a < kAhead; ++a) {
      const int i = start + a * kKeysPerBlock;
      words[a] = {0, 0, 0, 0};
      if (i < count) words[a] = *reinterpret_cast<const Word4*>(value(i) + part);
    }
#pragma unroll
    for (int a = 0; a < kAhead; ++a) {
      const int i = start + a * kKeysPerBlock;
      const float weight = i < count ? products[i] : 0;
      float v[8];
      Unpack8(words[a], v);
#pragma unroll
      for (int j = 0; j < 8; ++j) sum[j] += weight * v[j];
    }
  }
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    sum[j] += ShuffleXor(sum[j], kLanesPerKey);
    sum[j] += ShuffleXor(sum[j], 2 * kLanesPerKey);
    if (lane < kLanesPerKey) sums[warp * kHead + part + j] = sum[j];
  }
  Sync();
  Attended attended = {largest, weights, 0};
  if (ThreadIndex() < kHead) {
#pragma unroll
    for (int i = 0; i < kAttentionWarps; ++i) attended.sum += sums[i * kHead + ThreadIndex()];
  }
  return attended;
}

struct SelfAttentionKernel {
  using Args = SelfAttentionArgs;
  static constexpr int kThreads = kAttentionThreads;
  static constexpr int kMinBlocks = 1;

  // BlockX is a head, BlockY a row.
  RI_DEVICE static void Run(const Args& args, char* shared) {
    const Row& row = args.row_info[BlockY()];
    if (row.active == 0) return;
    const int state = args.heads * kHead;
    const int head = BlockX() * kHead;
    const int64_t plane = static_cast<int64_t>(row.slot_count) * state;
    Half* const keys = row.cache + 2 * args.layer * plane + head;
    Half* const values = keys + plane;
    const Half* const mine = args.qkv + static_cast<int64_t>(BlockY()) * 3 * state + head;
    // What other rows of this step have is not in the cache for sure, but it is here.
    const Half* const fresh = args.qkv + static_cast<int64_t>(row.base_row) * 3 * state + head;
    const int* const slots = row.slots;
    const int base = row.base;
    const auto at = [&](Half* cache, int offset, int i) -> const Half* {
      if (i >= base) return fresh + static_cast<int64_t>(i - base) * 3 * state + offset;
      return cache + static_cast<int64_t>(slots != nullptr ? slots[i] : i) * state;
    };
    if (ThreadIndex() < kHead) {
      const int64_t to = static_cast<int64_t>(row.slot) * state + ThreadIndex();
      keys[to] = mine[state + ThreadIndex()];
      values[to] = mine[2 * state + ThreadIndex()];
    }
    const Attended attended = Attend(
        mine, row.position + 1, [&](int i) { return at(keys, state, i); },
        [&](int i) { return at(values, 2 * state, i); }, shared);
    if (ThreadIndex() < kHead) {
      args.out[static_cast<int64_t>(BlockY()) * state + head + ThreadIndex()] =
          ToHalf(attended.sum / attended.weights);
    }
  }
};

struct CrossAttentionKernel {
  using Args = CrossAttentionArgs;
  static constexpr int kThreads = kAttentionThreads;
  static constexpr int kMinBlocks = 1;

  // BlockX is a piece of the keys, BlockY a head, BlockZ a row.
  RI_DEVICE static void Run(const Args& args, char* shared) {
    const Row& row = args.row_info[BlockZ()];
    if (row.active == 0) return;
    const int state = args.heads * kHead;
    const int head = BlockY() * kHead;
    const int begin = static_cast<int>(static_cast<int64_t>(args.keys) * BlockX() / args.splits);
    const int end =
        static_cast<int>(static_cast<int64_t>(args.keys) * (BlockX() + 1) / args.splits);
    const Half* const keys =
        row.cross + (static_cast<int64_t>(args.layer) * args.keys + begin) * 2 * state + head;
    const Half* const query = args.query + static_cast<int64_t>(BlockZ()) * state + head;
    const Attended attended = Attend(
        query, end - begin, [&](int i) { return keys + static_cast<int64_t>(i) * 2 * state; },
        [&](int i) { return keys + static_cast<int64_t>(i) * 2 * state + state; }, shared);
    if (args.splits == 1) {
      if (ThreadIndex() < kHead) {
        args.out[static_cast<int64_t>(BlockZ()) * state + head + ThreadIndex()] =
            ToHalf(attended.sum / attended.weights);
      }
      return;
    }
    float* const partial =
        args.partial +
        ((static_cast<int64_t>(BlockZ()) * args.heads + BlockY()) * args.splits + BlockX()) *
            (kHead + 2);
    if (ThreadIndex() < kHead) partial[ThreadIndex()] = attended.sum;
    if (ThreadIndex() == 0) {
      partial[kHead] = attended.weights;
      partial[kHead + 1] = attended.largest;
    }
  }
};

struct CombineKernel {
  using Args = CombineArgs;
  static constexpr int kThreads = kHead;
  static constexpr int kMinBlocks = 1;
  static constexpr size_t kShared = 0;

  // BlockX is a head, BlockY a row.
  RI_DEVICE static void Run(const Args& args, char* /*shared*/) {
    const int64_t at = static_cast<int64_t>(BlockY()) * args.heads + BlockX();
    const float* const partial = args.partial + at * args.splits * (kHead + 2);
    float largest = -Infinity();
    for (int i = 0; i < args.splits; ++i) {
      largest = fmaxf(largest, partial[i * (kHead + 2) + kHead + 1]);
    }
    float weights = 0;
    float sum = 0;
    for (int i = 0; i < args.splits; ++i) {
      const float* const piece = partial + i * (kHead + 2);
      const float shrink = expf(piece[kHead + 1] - largest);
      weights += piece[kHead] * shrink;
      sum += piece[ThreadIndex()] * shrink;
    }
    args.out[at * kHead + ThreadIndex()] = ToHalf(sum / weights);
  }
};

struct ScoresKernel {
  using Args = ScoresArgs;
  static constexpr int kThreads = 128;
  static constexpr int kMinBlocks = 1;
  static constexpr size_t kShared = 0;

  // BlockX is a row, BlockY one of the heads.
  RI_DEVICE static void Run(const Args& args, char* /*shared*/) {
    const int head = args.heads[BlockY()] * kHead;
    const Half* const query = args.query + static_cast<int64_t>(BlockX()) * args.state + head;
    const Half* const keys =
        args.cross + static_cast<int64_t>(args.layer) * args.keys * 2 * args.state + head;
    float* const out =
        args.out +
        (static_cast<int64_t>(args.places[BlockY()]) * args.rows + BlockX()) * args.frames;
    for (int i = ThreadIndex(); i < args.frames; i += kThreads) {
      float product = 0;
      for (int part = 0; part < kHead; part += 8) {
        float q[8];
        float k[8];
        Load8(query + part, q);
        Load8(keys + static_cast<int64_t>(i) * 2 * args.state + part, k);
#pragma unroll
        for (int j = 0; j < 8; ++j) product += q[j] * k[j];
      }
      out[i] = product * 0.125F;
    }
  }
};

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_ATTENTION_H_
