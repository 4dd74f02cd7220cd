// The tensors of a model as the CPU engine wants them.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CPU_WEIGHTS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CPU_WEIGHTS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/infer/cpu/packed_matrix.h"
#include "plugins/infer/cpu/thread_pool.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {

struct Norm {
  std::vector<float> weight;
  std::vector<float> bias;
};

struct Linear {
  PackedMatrix matrix;
  // Empty: none.
  std::vector<float> bias;

  const float* bias_or_null() const { return bias.empty() ? nullptr : bias.data(); }
};

struct AttentionWeights {
  Norm norm;
  Linear query;
  Linear key;
  Linear value;
  Linear out;
};

struct LayerWeights {
  AttentionWeights self;
  // Of the decoder.
  AttentionWeights cross;
  Norm norm;
  Linear wide;
  Linear narrow;
};

struct Weights {
  Linear conv1;
  Linear conv2;
  std::vector<float> audio_positions;
  std::vector<LayerWeights> encoder;
  Norm encoder_norm;
  std::vector<float> text_positions;
  std::vector<LayerWeights> decoder;
  Norm decoder_norm;
  // Both ends of the decoder: as the file has it, row by row, and as a matrix.
  Tensor embedding;
  Linear head;

  struct Free {
    void operator()(char* memory) const;
  };
  // Of all matrices.
  std::unique_ptr<char, Free> memory;
};

// Copies all but the embedding of `file`. Errors: kResourceExhausted.
absl::StatusOr<Weights> LoadWeights(const ModelFile& file, ThreadPool& pool);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CPU_WEIGHTS_H_
