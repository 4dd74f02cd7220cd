// The encoder: a window of sound to states, and to the keys and values that the decoder looks at.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CPU_ENCODER_H_
#define RULES_INFERENCE_PLUGINS_INFER_CPU_ENCODER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/cpu/kernels.h"
#include "plugins/infer/cpu/product.h"
#include "plugins/infer/cpu/thread_pool.h"
#include "plugins/infer/cpu/weights.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {

class CpuWindow : public EncodedWindow {
 public:
  explicit CpuWindow(const Hyperparameters& parameters);

  size_t positions() const { return positions_; }
  // Of a layer of the decoder.
  CrossHead head(size_t layer, size_t head) const;

  // From `keys` and `values`, [position][64], `stride` apart.
  void Set(size_t layer, size_t head, const float* keys, const float* values, size_t stride,
           const Kernels& kernels);

 private:
  size_t At(size_t layer, size_t head) const { return layer * heads_ + head; }

  size_t positions_;
  // A multiple of 16.
  size_t padded_;
  size_t heads_;
  std::vector<int16_t> keys_;
  std::vector<int16_t> values_;
  std::vector<float> key_scales_;
  std::vector<float> value_scales_;
};

class CpuEncoder {
 public:
  // All have to outlive it.
  CpuEncoder(const Hyperparameters& parameters, const Weights& weights, const Kernels& kernels,
             ThreadPool& pool, Multiplier& multiplier);

  // `mel`: [frame][mel], two frames for each position.
  std::unique_ptr<CpuWindow> Encode(absl::Span<const float> mel);

  // Of the last window, [position][state], `stride()` apart: for tests.
  const float* states() const { return normal_.data(); }
  size_t stride() const { return stride_; }

 private:
  void Convolve(absl::Span<const float> mel);
  void Normalize(const Norm& norm);
  void Attend();
  void Layer(const LayerWeights& layer);
  std::unique_ptr<CpuWindow> Cross();

  const Hyperparameters& parameters_;
  const Weights& weights_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  Multiplier& multiplier_;

  const size_t positions_;
  const size_t state_;
  const size_t heads_;
  // From one row to the next: a cache line more than it holds, or the same column of all rows
  // would want the same place in the cache.
  const size_t stride_;
  const size_t wide_stride_;

  std::vector<float> mel_;
  std::vector<float> convolved_;
  // What goes through the layers; the same, normalized; and what attention or the wide half of a
  // layer makes of it.
  std::vector<float> x_;
  std::vector<float> normal_;
  std::vector<float> wide_;
  std::vector<float> mixed_;
  // Keys and values of each head as panels.
  std::vector<float> key_panels_;
  std::vector<float> value_panels_;
  // Of each thread.
  std::vector<std::vector<float>> scores_;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CPU_ENCODER_H_
