// The encoder: sound to the keys and values that the decoder looks at.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_ENCODER_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_ENCODER_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/layers.h"
#include "plugins/infer/engine.h"

namespace rules_inference::infer::cuda {

class Encoder {
 public:
  // `layers` has to outlive it.
  explicit Encoder(Layers& layers) : layers_(layers) {}

  // As Engine::Encode, of windows of the right size. Where memory is short, fewer at once.
  absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encode(
      absl::Span<const absl::Span<const float>> windows);

 private:
  // Kept for the next call.
  struct Memory {
    Buffer mel, columns, hidden, x, norm, qkv, attended, wide, table;
  };

  absl::Status EncodeSome(absl::Span<const absl::Span<const float>> windows,
                          std::vector<std::unique_ptr<EncodedWindow>>& encoded);

  Layers& layers_;
  Memory memory_;
};

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_ENCODER_H_
