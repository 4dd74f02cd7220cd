// The decoder: tokens to logits of what follows them.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CPU_DECODER_H_
#define RULES_INFERENCE_PLUGINS_INFER_CPU_DECODER_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "plugins/infer/cpu/encoder.h"
#include "plugins/infer/cpu/kernels.h"
#include "plugins/infer/cpu/product.h"
#include "plugins/infer/cpu/thread_pool.h"
#include "plugins/infer/cpu/weights.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {

// Keys and values of a token are in a cell, for all layers; a row is a list of cells. Rows that
// come from one parent share its cells, so that nothing is ever copied.
class CpuDecoding : public Decoding {
 public:
  // A cell has `cell` floats. `window` has to outlive it.
  CpuDecoding(const CpuWindow& window, size_t most_rows, size_t cell);

  const CpuWindow& window() const { return window_; }
  size_t most_rows() const { return most_rows_; }
  const std::vector<std::vector<float*>>& rows() const { return rows_; }

  // Makes row r a child of what was row parents[r], with `count` more cells.
  void Continue(absl::Span<const int> parents, size_t count);

 private:
  const CpuWindow& window_;
  const size_t most_rows_;
  const size_t cell_;
  std::vector<std::vector<float*>> rows_;
  std::vector<std::unique_ptr<float[]>> chunks_;
  std::vector<float*> free_;
};

class CpuDecoder {
 public:
  // All have to outlive it.
  CpuDecoder(const Hyperparameters& parameters, const Weights& weights, const Kernels& kernels,
             ThreadPool& pool, Multiplier& multiplier);

  // Floats of a token's keys and values.
  size_t cell() const { return 2 * state_ * weights_.decoder.size(); }

  // Steps that are right.
  void Decode(absl::Span<DecodeStep> steps);
  // Whose attention to the window is written to `scores`: [head][token][frame].
  struct Look {
    absl::Span<const Head> heads;
    size_t frames = 0;
    std::vector<float>* scores = nullptr;
  };
  void Decode(absl::Span<DecodeStep> steps, const Look& look);
  // Logits behind some of the new tokens of the last call, counted through all steps and rows.
  void LogitsOf(absl::Span<const size_t> items, float* out);

 private:
  // A new token of a row.
  struct Item {
    TokenId token;
    // Those before it, and its own.
    absl::Span<float* const> cells;
  };
  // The items of one decoding, side by side.
  struct Group {
    const CpuWindow* window;
    size_t begin;
    size_t end;
  };

  void Collect(absl::Span<DecodeStep> steps);
  void Embed();
  void Normalize(const Norm& norm);
  void SelfAttention(const AttentionWeights& weights, size_t layer);
  void CrossAttention(const AttentionWeights& weights, size_t layer, const Look& look);
  void Logits(absl::Span<DecodeStep> steps);

  const Hyperparameters& parameters_;
  const Weights& weights_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  Multiplier& multiplier_;
  const size_t state_;
  const size_t heads_;
  const size_t stride_;
  const size_t wide_stride_;

  std::vector<Item> items_;
  std::vector<Group> groups_;
  std::vector<float> x_;
  std::vector<float> normal_;
  std::vector<float> wide_;
  std::vector<float> mixed_;
  // What the logits of some rows come from, and those that go to several steps.
  std::vector<float> last_;
  std::vector<float> logits_;
  // Of each thread.
  std::vector<std::vector<float>> scores_;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CPU_DECODER_H_
