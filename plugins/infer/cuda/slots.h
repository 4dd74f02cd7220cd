// Windows, decodings over them, and the rows of a pass through the decoder.
//
// Keys and values of a decoding are in slots: position p of row r has slot p * rows + r for good,
// so a step that moves rows about copies numbers of slots and nothing else.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_SLOTS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_SLOTS_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer::cuda {

class Window : public EncodedWindow {
 public:
  Window(std::shared_ptr<Accelerator> accelerator, Buffer cross)
      : accelerator_(std::move(accelerator)), cross_(std::move(cross)) {}

  const Half* cross() const { return cross_.as<Half>(); }
  Half* mutable_cross() { return cross_.as<Half>(); }

 private:
  // Outlives the buffer.
  std::shared_ptr<Accelerator> accelerator_;
  Buffer cross_;
};

class SlotDecoding : public Decoding {
 public:
  SlotDecoding(std::shared_ptr<Accelerator> accelerator, Buffer cache, const Window& window,
               int sequences)
      : window(window),
        sequences(sequences),
        accelerator_(std::move(accelerator)),
        cache_(std::move(cache)) {}

  Half* cache() const { return cache_.as<Half>(); }

  const Window& window;
  // Rows at most.
  const int sequences;
  // Positions so far.
  int length = 0;
  // [row][position]
  std::vector<std::vector<int>> slots = {{}};

 private:
  std::shared_ptr<Accelerator> accelerator_;
  Buffer cache_;
};

// New tokens of one decoding within a pass: rows that follow each other.
struct Group {
  const SlotDecoding* decoding;
  int first = 0;
  int rows = 0;
};

struct Pass {
  std::vector<Row> rows;
  std::vector<Group> groups;
  // Earlier slots of the rows, one after another.
  std::vector<int> slots;
  // Where those of a row begin; -1: none are needed.
  std::vector<int> first_slots;
  // Largest position, and one.
  int positions = 1;
};

// A row for each of `tokens`, which are as many for each of `parents`.
void AddRows(const SlotDecoding& decoding, absl::Span<const int> parents,
             absl::Span<const TokenId> tokens, Pass& pass);

// Takes over what a pass has added.
void Advance(SlotDecoding& decoding, absl::Span<const int> parents, int count);

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_SLOTS_H_
