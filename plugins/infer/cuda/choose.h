// What becomes of logits: probabilities, and the next token of sequences that are decoded greedily.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_CHOOSE_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_CHOOSE_H_

#include <cstddef>
#include <cstdint>

#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/portable.h"

namespace rules_inference::infer::cuda {

constexpr int kChooseThreads = 1024;
constexpr int kChooseWarps = kChooseThreads / kWarp;

// Over all threads of a block; `place` has room for one number of each warp, and is free again
// after the next Sync.
RI_DEVICE float BlockSum(float value, float* place) {
  value = WarpSum(value);
  if (ThreadIndex() % kWarp == 0) place[ThreadIndex() / kWarp] = value;
  Sync();
  value = 0;
  for (int i = 0; i < kChooseWarps; ++i) value += place[i];
  return value;
}

// Calls `take` with each of `count` ids and its logit, on one of the threads. Several are on their
// way at once: reading takes long, and each thread has 50 of them.
template <typename Take>
RI_DEVICE void ForEachLogit(const float* logits, int count, Take take) {
  constexpr int kAtOnce = 8;
  for (int start = ThreadIndex(); start < count; start += kAtOnce * kChooseThreads) {
    float values[kAtOnce];
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int id = start + i * kChooseThreads;
      values[i] = id < count ? logits[id] : 0;
    }
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int id = start + i * kChooseThreads;
      if (id < count) take(id, values[i]);
    }
  }
}

// The largest value and the first id that has it; -1 where nothing is larger than -infinity.
struct Best {
  float value = 0;
  int id = -1;
};

RI_DEVICE Best Better(Best a, Best b) {
  if (b.id < 0) return a;
  if (a.id < 0 || b.value > a.value || (b.value == a.value && b.id < a.id)) return b;
  return a;
}

RI_DEVICE Best BlockBest(Best best, Best* place) {
#pragma unroll
  for (int mask = kWarp / 2; mask > 0; mask /= 2) {
    best = Better(best, {ShuffleXor(best.value, mask), ShuffleXor(best.id, mask)});
  }
  if (ThreadIndex() % kWarp == 0) place[ThreadIndex() / kWarp] = best;
  Sync();
  best = place[0];
  for (int i = 1; i < kChooseWarps; ++i) best = Better(best, place[i]);
  return best;
}

struct ProbabilityKernel {
  using Args = ProbabilityArgs;
  static constexpr int kThreads = kChooseThreads;
  static constexpr int kMinBlocks = 1;
  static constexpr size_t kShared = kChooseWarps * (sizeof(Best) + sizeof(float));

  // BlockX is a row.
  RI_DEVICE static void Run(const Args& args, char* shared) {
    auto* const bests = reinterpret_cast<Best*>(shared);
    auto* const sums = reinterpret_cast<float*>(bests + kChooseWarps);
    const float* const logits = args.logits + static_cast<int64_t>(BlockX()) * args.vocab;
    Best best;
    ForEachLogit(logits, args.limit, [&](int id, float value) {
      best = Better(best, {value, id});
    });
    best = BlockBest(best, bests);
    float sum = 0;
    ForEachLogit(logits, args.limit,
                 [&](int /*id*/, float value) { sum += expf(value - best.value); });
    sum = BlockSum(sum, sums);
    if (ThreadIndex() == 0) {
      args.out[BlockX()] = expf(logits[args.ids[BlockX()]] - best.value) / sum;
    }
  }
};

// LogitRules as openai/whisper applies them: what is suppressed is as if its logit were -infinity.
struct GreedyKernel {
  using Args = GreedyArgs;
  static constexpr int kThreads = kChooseThreads;
  static constexpr int kMinBlocks = 1;
  static constexpr size_t kShared = kChooseWarps * (2 * sizeof(Best) + 2 * sizeof(float));

  // Whether an id may come next, but for the last rule, which hangs on all of them.
  struct Rules {
    const uint32_t* suppressed;
    const uint32_t* suppressed_first;
    bool timestamps;
    int no_timestamps;
    // Ids from `text` on, less those in [skip_begin, skip_end) and from `end` on.
    int text;
    int skip_begin;
    int skip_end;
    int end;

    RI_DEVICE bool Allow(int id) const {
      if ((suppressed[id / 32] >> (id % 32) & 1) != 0) return false;
      if (suppressed_first != nullptr && (suppressed_first[id / 32] >> (id % 32) & 1) != 0) {
        return false;
      }
      if (!timestamps) return true;
      return id != no_timestamps && id >= text && !(id >= skip_begin && id < skip_end) && id < end;
    }
  };

  RI_DEVICE static Rules RulesOf(const Greedy& greedy, int vocab) {
    Rules rules = {greedy.suppressed,
                   greedy.suppressed_first,
                   greedy.timestamps != 0,
                   greedy.no_timestamps,
                   0,
                   greedy.first_timestamp,
                   greedy.first_timestamp,
                   vocab};
    if (greedy.count > 0) rules.suppressed_first = nullptr;
    // Times come in pairs, but for the first of the text.
    const bool last = greedy.last >= greedy.first_timestamp;
    const bool before = greedy.count < 2 || greedy.before_last >= greedy.first_timestamp;
    if (last && before) {
      rules.end = greedy.first_timestamp;
    } else if (last) {
      rules.text = greedy.end_of_text;
    }
    // They do not go back; only the second of a pair may equal the first.
    if (greedy.last_timestamp >= 0) {
      rules.skip_end = greedy.last_timestamp + (last && !before ? 0 : 1);
    }
    if (greedy.count == 0) {
      rules.text = greedy.first_timestamp;
      if (greedy.max_initial_steps >= 0) {
        const int end = greedy.first_timestamp + greedy.max_initial_steps + 1;
        if (end < rules.end) rules.end = end;
      }
    }
    return rules;
  }

  // BlockX is a row.
  RI_DEVICE static void Run(const Args& args, char* shared) {
    Greedy& greedy = args.greedy[BlockX()];
    if (args.row_info[BlockX()].active == 0) return;
    auto* const text_bests = reinterpret_cast<Best*>(shared);
    Best* const time_bests = text_bests + kChooseWarps;
    auto* const text_sums = reinterpret_cast<float*>(time_bests + kChooseWarps);
    float* const time_sums = text_sums + kChooseWarps;
    const float* const logits = args.logits + static_cast<int64_t>(BlockX()) * args.vocab;
    const Rules rules = RulesOf(greedy, args.vocab);
    const int first_time = greedy.first_timestamp;

    Best text;
    Best time;
    ForEachLogit(logits, args.vocab, [&](int id, float value) {
      if (!rules.Allow(id) || !(value > -Infinity())) return;
      if (id < first_time) {
        text = Better(text, {value, id});
      } else {
        time = Better(time, {value, id});
      }
    });
    text = BlockBest(text, text_bests);
    time = BlockBest(time, time_bests);
    const Best best = Better(text, time);
    float text_sum = 0;
    float time_sum = 0;
    ForEachLogit(logits, args.vocab, [&](int id, float value) {
      if (!rules.Allow(id) || !(value > -Infinity())) return;
      const float share = expf(value - best.value);
      if (id < first_time) {
        text_sum += share;
      } else {
        time_sum += share;
      }
    });
    text_sum = BlockSum(text_sum, text_sums);
    time_sum = BlockSum(time_sum, time_sums);
    if (ThreadIndex() != 0) return;

    // All times together are likelier than any text: then it is a time.
    Best chosen = best;
    float sum = text_sum + time_sum;
    if (rules.timestamps && time.id >= 0 &&
        (text.id < 0 || best.value + logf(time_sum) > text.value)) {
      chosen = time;
      sum = time_sum;
    }
    Row& row = args.row_info[BlockX()];
    if (chosen.id >= 0) {
      greedy.sum += static_cast<double>(chosen.value - best.value - logf(sum));
    } else {
      chosen.id = greedy.end_of_text;  // Nothing is allowed.
    }
    if (chosen.id != greedy.end_of_text) {
      greedy.tokens[greedy.count] = chosen.id;
      ++greedy.count;
      greedy.before_last = greedy.last;
      greedy.last = chosen.id;
      if (chosen.id >= first_time) greedy.last_timestamp = chosen.id;
    }
    row.token = chosen.id;
    ++row.position;
    row.base = row.position;
    row.base_row = BlockX();
    row.slot = row.position;
    const bool ended = chosen.id == greedy.end_of_text || greedy.count >= greedy.max_tokens;
    greedy.full = !ended && row.position >= greedy.context ? 1 : 0;
    if (ended || greedy.full != 0) {
      greedy.done = 1;
      row.active = 0;
    }
  }
};

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_CHOOSE_H_
