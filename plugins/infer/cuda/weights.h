// The tensors of a model file on a device, as kernels want them: what is multiplied with the same
// rows is one matrix.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_WEIGHTS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_WEIGHTS_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer::cuda {

struct Linear {
  Weight weight;
  const float* bias = nullptr;
  // The same as f16, for libraries.
  const Half* bias_half = nullptr;
};

struct Norm {
  const float* weight = nullptr;
  const float* bias = nullptr;
};

struct EncoderLayer {
  Norm attention_norm;
  Linear qkv;
  Linear attention_out;
  Norm mlp_norm;
  Linear mlp_in;
  Linear mlp_out;
};

struct DecoderLayer {
  EncoderLayer self;
  Norm cross_norm;
  Linear cross_query;
  Linear cross_kv;
  Linear cross_out;
};

struct Weights {
  Linear conv1;
  Linear conv2;
  const float* audio_positions = nullptr;
  std::vector<EncoderLayer> encoder;
  Norm audio_norm;
  Weight embedding;
  const float* text_positions = nullptr;
  std::vector<DecoderLayer> decoder;
  Norm text_norm;

  // What all of it lies in.
  std::vector<Buffer> buffers;
};

// Matrices stay as they are but for the order of their bytes; those of f32 become f16.
absl::StatusOr<Weights> LoadWeights(const ModelFile& file, Accelerator& accelerator);

// Bytes on the device.
size_t WeightBytes(const ModelFile& file);

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_WEIGHTS_H_
