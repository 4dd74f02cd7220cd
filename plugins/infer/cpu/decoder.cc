// Problem: each token of each row goes through all of the decoder, which is much larger than what
// is computed with it: reading it is the time that a token takes.
//
// Idea: all new tokens of all rows and decodings go through a layer together, so that its matrices
// are read once. Only attention is for each row, over cells of its own, and for each window, whose
// keys and values are read once for all rows of its decoding.
//
// Invariant: what is computed for a token depends on the tokens before it in its row and on its
// window, and on nothing else.
//
// Cost: nine loops over the threads for a layer.

#include "plugins/infer/cpu/decoder.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "plugins/infer/cpu/encoder.h"
#include "plugins/infer/cpu/kernels.h"
#include "plugins/infer/cpu/product.h"
#include "plugins/infer/cpu/thread_pool.h"
#include "plugins/infer/cpu/weights.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer {
namespace {

constexpr size_t kHead = Hyperparameters::kHeadSize;
constexpr size_t kLine = 16;
// Cells that are allocated together.
constexpr size_t kCells = 64;
// Queries that look at a window together.
constexpr size_t kQueries = 12;
constexpr float kScale = 0.125F;

}  // namespace

CpuDecoding::CpuDecoding(const CpuWindow& window, size_t most_rows, size_t cell)
    : window_(window), most_rows_(most_rows), cell_(cell), rows_(1) {}

void CpuDecoding::Continue(absl::Span<const int> parents, size_t count) {
  std::vector<std::vector<float*>> rows;
  for (const int parent : parents) rows.push_back(rows_[static_cast<size_t>(parent)]);
  // Rows that have ended leave cells that nobody has any more.
  if (rows != rows_) {
    absl::flat_hash_set<float*> left;
    for (const std::vector<float*>& row : rows) left.insert(row.begin(), row.end());
    absl::flat_hash_set<float*> freed;
    for (const std::vector<float*>& row : rows_) {
      for (float* cell : row) {
        if (!left.contains(cell) && freed.insert(cell).second) free_.push_back(cell);
      }
    }
  }
  for (std::vector<float*>& row : rows) {
    for (size_t i = 0; i < count; ++i) {
      if (free_.empty()) {
        chunks_.push_back(std::make_unique_for_overwrite<float[]>(kCells * cell_));
        for (size_t cell = kCells; cell-- > 0;)
          free_.push_back(chunks_.back().get() + cell * cell_);
      }
      row.push_back(free_.back());
      free_.pop_back();
    }
  }
  rows_ = std::move(rows);
}

CpuDecoder::CpuDecoder(const Hyperparameters& parameters, const Weights& weights,
                       const Kernels& kernels, ThreadPool& pool, Multiplier& multiplier)
    : parameters_(parameters),
      weights_(weights),
      kernels_(kernels),
      pool_(pool),
      multiplier_(multiplier),
      state_(static_cast<size_t>(parameters.text_state)),
      heads_(static_cast<size_t>(parameters.text_heads)),
      stride_(state_ + kLine),
      wide_stride_(4 * state_ + kLine),
      scores_(static_cast<size_t>(pool.threads())) {}

void CpuDecoder::Collect(absl::Span<DecodeStep> steps) {
  items_.clear();
  groups_.clear();
  for (DecodeStep& step : steps) {
    auto& decoding = static_cast<CpuDecoding&>(*step.decoding);
    const size_t rows = step.parents.size();
    const size_t count = step.tokens.size() / rows;
    decoding.Continue(step.parents, count);
    groups_.push_back({&decoding.window(), items_.size(), items_.size() + rows * count});
    for (size_t row = 0; row < rows; ++row) {
      const absl::Span<float* const> cells = decoding.rows()[row];
      for (size_t i = 0; i < count; ++i) {
        items_.push_back({step.tokens[row * count + i], cells.first(cells.size() - count + i + 1)});
      }
    }
  }
}

void CpuDecoder::Embed() {
  const size_t row_bytes = BytesOf(weights_.embedding.type, state_);
  for (size_t i = 0; i < items_.size(); ++i) {
    float* x = x_.data() + i * stride_;
    Dequantize(weights_.embedding.type,
               weights_.embedding.data.subspan(static_cast<size_t>(items_[i].token) * row_bytes,
                                               row_bytes),
               absl::MakeSpan(x, state_));
    const size_t position = items_[i].cells.size() - 1;
    kernels_.add(x, weights_.text_positions.data() + position * state_, state_, x);
  }
}

void CpuDecoder::Normalize(const Norm& norm) {
  const auto one = [&](size_t i, int) {
    kernels_.normalize(x_.data() + i * stride_, norm.weight.data(), norm.bias.data(), state_,
                       normal_.data() + i * stride_);
  };
  if (items_.size() < 8) {
    for (size_t i = 0; i < items_.size(); ++i) one(i, 0);
  } else {
    pool_.Run(items_.size(), one);
  }
}

void CpuDecoder::SelfAttention(const AttentionWeights& weights, size_t layer) {
  Normalize(weights.norm);
  const auto product = [&](const Linear& linear, size_t at) {
    return Product{&linear.matrix, linear.bias_or_null(), wide_.data() + at * state_, wide_stride_,
                   Finish::kStore};
  };
  const std::array<Product, 3> products = {product(weights.query, 0), product(weights.key, 1),
                                           product(weights.value, 2)};
  multiplier_.Narrow({.data = normal_.data(), .count = items_.size(), .stride = stride_}, products);
  const size_t keys = layer * 2 * state_;
  for (size_t i = 0; i < items_.size(); ++i) {
    // Keys and values are neighbours here as there.
    std::copy_n(wide_.data() + i * wide_stride_ + state_, 2 * state_,
                items_[i].cells.back() + keys);
  }
  pool_.Run(items_.size() * heads_, [&](size_t task, int thread) {
    const Item& item = items_[task / heads_];
    const size_t row = task / heads_;
    const size_t at = task % heads_ * kHead;
    std::vector<float>& scores = scores_[static_cast<size_t>(thread)];
    scores.resize(std::max(scores.size(), item.cells.size()));
    kernels_.self_scores(wide_.data() + row * wide_stride_ + at, item.cells.data(), keys + at,
                         item.cells.size(), scores.data());
    const float part = kernels_.exponentials(scores.data(), item.cells.size(), kScale);
    float* out = mixed_.data() + row * stride_ + at;
    kernels_.self_mix(scores.data(), item.cells.data(), keys + state_ + at, item.cells.size(), out);
    kernels_.multiply_all(out, kHead, part);
  });
  const Product out = {&weights.out.matrix, weights.out.bias.data(), x_.data(), stride_,
                       Finish::kAdd};
  multiplier_.Narrow({.data = mixed_.data(), .count = items_.size(), .stride = stride_}, {&out, 1});
}

void CpuDecoder::CrossAttention(const AttentionWeights& weights, size_t layer, const Look& look) {
  Normalize(weights.norm);
  const Product query = {&weights.query.matrix, weights.query.bias.data(), wide_.data(),
                         wide_stride_, Finish::kStore};
  multiplier_.Narrow({.data = normal_.data(), .count = items_.size(), .stride = stride_},
                     {&query, 1});
  struct Task {
    const CpuWindow* window;
    size_t head;
    size_t begin;
    size_t end;
  };
  std::vector<Task> tasks;
  for (const Group& group : groups_) {
    for (size_t head = 0; head < heads_; ++head) {
      for (size_t i = group.begin; i < group.end; i += kQueries) {
        tasks.push_back({group.window, head, i, std::min(i + kQueries, group.end)});
      }
    }
  }
  pool_.Run(tasks.size(), [&](size_t i, int thread) {
    const Task& task = tasks[i];
    const size_t positions = task.window->positions();
    const size_t score_stride = (positions + 2 * kLine - 1) / kLine * kLine;
    const size_t rows = task.end - task.begin;
    std::vector<float>& scores = scores_[static_cast<size_t>(thread)];
    scores.resize(std::max(scores.size(), kQueries * score_stride));
    const CrossHead head = task.window->head(layer, task.head);
    const size_t at = task.head * kHead;
    kernels_.cross_scores(wide_.data() + task.begin * wide_stride_ + at, wide_stride_, rows, head,
                          positions, scores.data(), score_stride);
    for (size_t h = 0; h < look.heads.size(); ++h) {
      if (static_cast<size_t>(look.heads[h].layer) != layer ||
          static_cast<size_t>(look.heads[h].head) != task.head) {
        continue;
      }
      for (size_t r = 0; r < rows; ++r) {
        float* to = look.scores->data() + (h * items_.size() + task.begin + r) * look.frames;
        for (size_t frame = 0; frame < look.frames; ++frame) {
          to[frame] = kScale * scores[r * score_stride + frame];
        }
      }
    }
    std::array<float, kQueries> parts;
    for (size_t r = 0; r < rows; ++r) {
      parts[r] = kernels_.exponentials(scores.data() + r * score_stride, positions, kScale);
    }
    float* out = mixed_.data() + task.begin * stride_ + at;
    kernels_.cross_mix(scores.data(), score_stride, rows, head, positions, out, stride_);
    for (size_t r = 0; r < rows; ++r) kernels_.multiply_all(out + r * stride_, kHead, parts[r]);
  });
  const Product out = {&weights.out.matrix, weights.out.bias.data(), x_.data(), stride_,
                       Finish::kAdd};
  multiplier_.Narrow({.data = mixed_.data(), .count = items_.size(), .stride = stride_}, {&out, 1});
}

void CpuDecoder::LogitsOf(absl::Span<const size_t> items, float* out) {
  last_.resize(std::max(last_.size(), items.size() * stride_));
  for (size_t i = 0; i < items.size(); ++i) {
    kernels_.normalize(x_.data() + items[i] * stride_, weights_.decoder_norm.weight.data(),
                       weights_.decoder_norm.bias.data(), state_, last_.data() + i * stride_);
  }
  const Product product = {&weights_.head.matrix, nullptr, out,
                           static_cast<size_t>(parameters_.vocab), Finish::kStore};
  multiplier_.Narrow({.data = last_.data(), .count = items.size(), .stride = stride_},
                     {&product, 1});
}

void CpuDecoder::Logits(absl::Span<DecodeStep> steps) {
  const auto vocab = static_cast<size_t>(parameters_.vocab);
  std::vector<size_t> items;
  for (size_t s = 0; s < steps.size(); ++s) {
    DecodeStep& step = steps[s];
    const size_t rows = step.parents.size();
    const size_t count = step.tokens.size() / rows;
    step.logits.resize(rows * step.wanted.size() * vocab);
    for (size_t row = 0; row < rows; ++row) {
      for (const int wanted : step.wanted) {
        items.push_back(groups_[s].begin + row * count + static_cast<size_t>(wanted));
      }
    }
  }
  if (items.empty()) return;
  if (steps.size() == 1) return LogitsOf(items, steps[0].logits.data());
  // Together, so that the largest matrix of all is read once; then each to its own.
  logits_.resize(std::max(logits_.size(), items.size() * vocab));
  LogitsOf(items, logits_.data());
  const float* from = logits_.data();
  for (DecodeStep& step : steps) {
    std::copy_n(from, step.logits.size(), step.logits.data());
    from += step.logits.size();
  }
}

void CpuDecoder::Decode(absl::Span<DecodeStep> steps) { Decode(steps, {}); }

void CpuDecoder::Decode(absl::Span<DecodeStep> steps, const Look& look) {
  Collect(steps);
  const size_t rows = items_.size();
  x_.resize(std::max(x_.size(), rows * stride_));
  normal_.resize(x_.size());
  mixed_.resize(x_.size());
  wide_.resize(std::max(wide_.size(), rows * wide_stride_));
  if (look.scores != nullptr) look.scores->resize(look.heads.size() * rows * look.frames);
  Embed();
  for (size_t i = 0; i < weights_.decoder.size(); ++i) {
    const LayerWeights& layer = weights_.decoder[i];
    SelfAttention(layer.self, i);
    CrossAttention(layer.cross, i, look);
    Normalize(layer.norm);
    const Product wide = {&layer.wide.matrix, layer.wide.bias.data(), wide_.data(), wide_stride_,
                          Finish::kGelu};
    multiplier_.Narrow({.data = normal_.data(), .count = rows, .stride = stride_}, {&wide, 1});
    const Product narrow = {&layer.narrow.matrix, layer.narrow.bias.data(), x_.data(), stride_,
                            Finish::kAdd};
    multiplier_.Narrow({.data = wide_.data(), .count = rows, .stride = wide_stride_}, {&narrow, 1});
  }
  Logits(steps);
}

}  // namespace rules_inference::infer
