// Problem: 1500 positions go through layers of products, and each looks at all others: in base a
// third of the arithmetic is attention.
//
// Idea: attention is two products like the others. Keys and values of a head are brought into
// panels once. A task takes 48 positions of one head, computes their 1500 scores each (288 KiB,
// which stay in the second cache), exponentials in place, and multiplies them with the values.
// Nothing is ever as large as 1500 by 1500. A convolution is a product with rows that overlap:
// three neighbours lie side by side already.
//
// Cost: 87 GFLOP for a window of base; memory for some ten copies of the states, 40 MB for base.

#include "plugins/infer/cpu/encoder.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/cpu/kernels.h"
#include "plugins/infer/cpu/packed_matrix.h"
#include "plugins/infer/cpu/product.h"
#include "plugins/infer/cpu/thread_pool.h"
#include "plugins/infer/cpu/weights.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {
namespace {

constexpr size_t kHead = Hyperparameters::kHeadSize;
// Floats of a cache line.
constexpr size_t kLine = 16;
// Positions whose scores are computed together.
constexpr size_t kQueries = 48;
// Rows for one task of a loop that is bound by memory.
constexpr size_t kRows = 32;
// Queries and keys are multiplied with its square root, in effect.
constexpr float kScale = 0.125F;

size_t RoundUp(size_t size, size_t to) { return (size + to - 1) / to * to; }

}  // namespace

CpuWindow::CpuWindow(const Hyperparameters& parameters)
    : positions_(static_cast<size_t>(parameters.audio_context)),
      padded_(RoundUp(positions_, kPanel)),
      heads_(static_cast<size_t>(parameters.text_heads)) {
  const size_t all = heads_ * static_cast<size_t>(parameters.text_layers);
  keys_.resize(all * padded_ * kHead);
  values_.resize(all * padded_ * kHead);
  key_scales_.resize(all * padded_);
  value_scales_.resize(all * padded_);
}

CrossHead CpuWindow::head(size_t layer, size_t head) const {
  const size_t at = At(layer, head) * padded_;
  return {.keys = keys_.data() + at * kHead,
          .values = values_.data() + at * kHead,
          .key_scales = key_scales_.data() + at,
          .value_scales = value_scales_.data() + at};
}

void CpuWindow::Set(size_t layer, size_t head, const float* keys, const float* values,
                    size_t stride, const Kernels& kernels) {
  const size_t at = At(layer, head) * padded_;
  std::array<int16_t, kHead> fixed;
  for (size_t i = 0; i < positions_; ++i) {
    key_scales_[at + i] = kernels.to_fixed(keys + i * stride, fixed.data());
    int16_t* panel = keys_.data() + at * kHead + i / kPanel * kPanel * kHead + i % kPanel;
    for (size_t k = 0; k < kHead; ++k) panel[k * kPanel] = fixed[k];
    value_scales_[at + i] =
        kernels.to_fixed(values + i * stride, values_.data() + (at + i) * kHead);
  }
}

CpuEncoder::CpuEncoder(const Hyperparameters& parameters, const Weights& weights,
                       const Kernels& kernels, ThreadPool& pool, Multiplier& multiplier)
    : parameters_(parameters),
      weights_(weights),
      kernels_(kernels),
      pool_(pool),
      multiplier_(multiplier),
      positions_(static_cast<size_t>(parameters.audio_context)),
      state_(static_cast<size_t>(parameters.audio_state)),
      heads_(static_cast<size_t>(parameters.audio_heads)),
      stride_(state_ + kLine),
      wide_stride_(4 * state_ + kLine),
      scores_(static_cast<size_t>(pool.threads())) {}

void CpuEncoder::Convolve(absl::Span<const float> mel) {
  const auto mels = static_cast<size_t>(parameters_.mels);
  const size_t frames = 2 * positions_;
  // A row of zeros at each end.
  mel_.assign((frames + 2) * mels, 0.0F);
  std::copy(mel.begin(), mel.end(), mel_.begin() + static_cast<std::ptrdiff_t>(mels));
  convolved_.assign((frames + 2) * stride_, 0.0F);
  const Product first = {.matrix = &weights_.conv1.matrix,
                         .bias = weights_.conv1.bias.data(),
                         .out = convolved_.data() + stride_,
                         .out_stride = stride_,
                         .finish = Finish::kGelu};
  multiplier_.Wide(
      {.data = mel_.data(), .count = frames, .stride = mels, .taps = 3, .tap_stride = mels},
      {&first, 1});
  x_.resize(positions_ * stride_);
  const Product second = {.matrix = &weights_.conv2.matrix,
                          .bias = weights_.conv2.bias.data(),
                          .out = x_.data(),
                          .out_stride = stride_,
                          .finish = Finish::kGelu};
  multiplier_.Wide({.data = convolved_.data(),
                    .count = positions_,
                    .stride = 2 * stride_,
                    .taps = 3,
                    .tap_stride = stride_},
                   {&second, 1});
  for (size_t i = 0; i < positions_; ++i) {
    float* row = x_.data() + i * stride_;
    kernels_.add(row, weights_.audio_positions.data() + i * state_, state_, row);
  }
}

void CpuEncoder::Normalize(const Norm& norm) {
  normal_.resize(positions_ * stride_);
  pool_.Run((positions_ + kRows - 1) / kRows, [&](size_t task, int) {
    const size_t end = std::min((task + 1) * kRows, positions_);
    for (size_t i = task * kRows; i < end; ++i) {
      kernels_.normalize(x_.data() + i * stride_, norm.weight.data(), norm.bias.data(), state_,
                         normal_.data() + i * stride_);
    }
  });
}

// From wide_, which has queries, keys and values side by side, to mixed_.
void CpuEncoder::Attend() {
  const size_t padded = RoundUp(positions_, kPanel);
  key_panels_.resize(heads_ * padded * kHead);
  value_panels_.resize(heads_ * padded * kHead);
  pool_.Run(2 * heads_, [&](size_t task, int) {
    const size_t head = task / 2;
    if (task % 2 == 0) {
      kernels_.transpose(wide_.data() + state_ + head * kHead, wide_stride_, positions_,
                         key_panels_.data() + head * padded * kHead);
    } else {
      kernels_.split(wide_.data() + 2 * state_ + head * kHead, wide_stride_, positions_,
                     value_panels_.data() + head * padded * kHead);
    }
  });
  mixed_.resize(positions_ * stride_);
  const size_t score_stride = padded + kLine;
  const size_t blocks = (positions_ + kQueries - 1) / kQueries;
  pool_.Run(heads_ * blocks, [&](size_t task, int thread) {
    const size_t head = task / blocks;
    const size_t first = task % blocks * kQueries;
    const size_t count = std::min(kQueries, positions_ - first);
    std::vector<float>& scores = scores_[static_cast<size_t>(thread)];
    scores.resize(kQueries * score_stride);
    kernels_.multiply(wide_.data() + first * wide_stride_ + head * kHead, wide_stride_, count,
                      key_panels_.data() + head * padded * kHead, padded / kPanel, kHead,
                      /*fresh=*/true, scores.data(), score_stride);
    std::array<float, kQueries> parts;
    for (size_t i = 0; i < count; ++i) {
      parts[i] = kernels_.exponentials(scores.data() + i * score_stride, positions_, kScale);
    }
    float* out = mixed_.data() + first * stride_ + head * kHead;
    kernels_.multiply(scores.data(), score_stride, count,
                      value_panels_.data() + head * padded * kHead, kHead / kPanel, positions_,
                      /*fresh=*/true, out, stride_);
    for (size_t i = 0; i < count; ++i) kernels_.multiply_all(out + i * stride_, kHead, parts[i]);
  });
}

void CpuEncoder::Layer(const LayerWeights& layer) {
  const Rows normal = {.data = normal_.data(), .count = positions_, .stride = stride_};
  const auto product = [&](const Linear& linear, float* out, size_t out_stride, Finish finish) {
    return Product{&linear.matrix, linear.bias_or_null(), out, out_stride, finish};
  };
  Normalize(layer.self.norm);
  const std::array<Product, 3> heads = {
      product(layer.self.query, wide_.data(), wide_stride_, Finish::kStore),
      product(layer.self.key, wide_.data() + state_, wide_stride_, Finish::kStore),
      product(layer.self.value, wide_.data() + 2 * state_, wide_stride_, Finish::kStore)};
  multiplier_.Wide(normal, heads);
  Attend();
  const Product out = product(layer.self.out, x_.data(), stride_, Finish::kAdd);
  multiplier_.Wide({.data = mixed_.data(), .count = positions_, .stride = stride_}, {&out, 1});

  Normalize(layer.norm);
  const Product wide = product(layer.wide, wide_.data(), wide_stride_, Finish::kGelu);
  multiplier_.Wide(normal, {&wide, 1});
  const Product narrow = product(layer.narrow, x_.data(), stride_, Finish::kAdd);
  multiplier_.Wide({.data = wide_.data(), .count = positions_, .stride = wide_stride_},
                   {&narrow, 1});
}

std::unique_ptr<CpuWindow> CpuEncoder::Cross() {
  auto window = std::make_unique<CpuWindow>(parameters_);
  const Rows normal = {.data = normal_.data(), .count = positions_, .stride = stride_};
  for (size_t layer = 0; layer < weights_.decoder.size(); ++layer) {
    const AttentionWeights& cross = weights_.decoder[layer].cross;
    const std::array<Product, 2> products = {
        Product{&cross.key.matrix, nullptr, wide_.data(), wide_stride_, Finish::kStore},
        Product{&cross.value.matrix, cross.value.bias.data(), wide_.data() + state_, wide_stride_,
                Finish::kStore}};
    multiplier_.Wide(normal, products);
    pool_.Run(heads_, [&](size_t head, int) {
      const float* keys = wide_.data() + head * kHead;
      window->Set(layer, head, keys, keys + state_, wide_stride_, kernels_);
    });
  }
  return window;
}

std::unique_ptr<CpuWindow> CpuEncoder::Encode(absl::Span<const float> mel) {
  normal_.resize(positions_ * stride_);
  wide_.resize(positions_ * wide_stride_);
  Convolve(mel);
  for (const LayerWeights& layer : weights_.encoder) Layer(layer);
  Normalize(weights_.encoder_norm);
  return Cross();
}

}  // namespace rules_inference::infer
