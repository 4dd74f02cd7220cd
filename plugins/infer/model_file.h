// A Whisper model in ggml's file format: header, mel filters, vocabulary, tensors.
//
// Files come from anywhere. Every length is compared with what is left of the file before anything
// is read or allocated, tensors have to be exactly those that the header calls for, with their
// shapes, and nothing may follow them.

#ifndef RULES_INFERENCE_PLUGINS_INFER_MODEL_FILE_H_
#define RULES_INFERENCE_PLUGINS_INFER_MODEL_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer {

// In the order of the header. Audio and text are equally wide, and a head has 64 dimensions.
struct Hyperparameters {
  int vocab = 0;
  int audio_context = 0;  // Positions of the encoder: 1500, each of 20 ms.
  int audio_state = 0;
  int audio_heads = 0;
  int audio_layers = 0;
  int text_context = 0;  // Tokens that the decoder can see: 448.
  int text_state = 0;
  int text_heads = 0;
  int text_layers = 0;
  int mels = 0;
  int file_type = 0;

  static constexpr int kHeadSize = 64;
  // Bins of a spectrum: half of a transform of 400, and one.
  static constexpr int kBins = 201;

  bool operator==(const Hyperparameters&) const = default;
};

// Whether an engine can be made of it: "model file: <where>: got ..., expected ...".
absl::Status Check(const Hyperparameters& parameters, absl::string_view where);

// Which element types a tensor may have.
enum class TensorKind {
  kFloat,        // f32.
  kConvolution,  // f32, f16.
  kMatrix,       // All.
};

struct TensorShape {
  std::string name;
  TensorKind kind;
  // Innermost dimension first, as in the file; PyTorch has them the other way round.
  std::vector<int> dimensions;

  size_t elements() const;
};

// The tensors of a model, in the order of released files: 11, and 15 for each layer of the encoder
// and 24 for each of the decoder.
std::vector<TensorShape> ShapesOf(const Hyperparameters& parameters);

struct Tensor {
  TensorType type = TensorType::kF32;
  std::vector<int> dimensions;
  // Points into the bytes of the file; not aligned.
  absl::Span<const char> data;
};

class ModelFile {
 public:
  // `bytes` has to outlive the result. `where` is for messages.
  static absl::StatusOr<ModelFile> Parse(absl::string_view bytes, absl::string_view where);

  const Hyperparameters& parameters() const { return parameters_; }
  // [mel][bin], `mels` rows of kBins.
  const std::vector<float>& mel_filters() const { return mel_filters_; }
  // Bytes of each token, by its id; those of special tokens are not in the file.
  const std::vector<absl::string_view>& tokens() const { return tokens_; }
  // One of ShapesOf.
  const Tensor& tensor(absl::string_view name) const { return tensors_.at(name); }

 private:
  Hyperparameters parameters_;
  std::vector<float> mel_filters_;
  std::vector<absl::string_view> tokens_;
  absl::flat_hash_map<std::string, Tensor> tensors_;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_MODEL_FILE_H_
