#include "plugins/infer/cpu/weights.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "plugins/infer/cpu/packed_matrix.h"
#include "plugins/infer/cpu/thread_pool.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer {
namespace {

// Every token reads all of the decoder: with large pages the CPU need not look for them.
constexpr size_t kLargePage = size_t{2} << 20;
// Panels that a thread copies in one go.
constexpr size_t kChunk = 16;

size_t Elements(const Tensor& tensor) {
  size_t elements = 1;
  for (const int size : tensor.dimensions) elements *= static_cast<size_t>(size);
  return elements;
}

class Loader {
 public:
  explicit Loader(const ModelFile& file) : file_(file) {}

  std::vector<float> Floats(const std::string& name) const {
    const Tensor& tensor = file_.tensor(name);
    std::vector<float> values(Elements(tensor));
    Dequantize(tensor.type, tensor.data, absl::MakeSpan(values));
    return values;
  }

  Norm LoadNorm(const std::string& name) const {
    return {.weight = Floats(name + ".weight"), .bias = Floats(name + ".bias")};
  }

  // Only says where its place in memory will be: `matrices_` remembers what goes there.
  void Place(const std::string& name, bool bias, size_t taps, Linear& linear) {
    const Tensor& tensor = file_.tensor(name + ".weight");
    if (bias) linear.bias = Floats(name + ".bias");
    linear.matrix.type = tensor.type;
    linear.matrix.outputs = static_cast<size_t>(tensor.dimensions.back());
    linear.matrix.inputs = Elements(tensor) / linear.matrix.outputs;
    matrices_.push_back({&tensor, taps, size_, &linear});
    // Each at the beginning of a cache line.
    size_ += (linear.matrix.bytes() + 63) / 64 * 64;
  }

  void PlaceAttention(const std::string& name, AttentionWeights& attention) {
    attention.norm = LoadNorm(name + "_ln");
    Place(name + ".query", /*bias=*/true, 1, attention.query);
    Place(name + ".key", /*bias=*/false, 1, attention.key);
    Place(name + ".value", /*bias=*/true, 1, attention.value);
    Place(name + ".out", /*bias=*/true, 1, attention.out);
  }

  void PlaceLayer(const std::string& name, bool cross, LayerWeights& layer) {
    PlaceAttention(name + "attn", layer.self);
    if (cross) PlaceAttention(name + "cross_attn", layer.cross);
    layer.norm = LoadNorm(name + "mlp_ln");
    Place(name + "mlp.0", /*bias=*/true, 1, layer.wide);
    Place(name + "mlp.2", /*bias=*/true, 1, layer.narrow);
  }

  absl::Status Copy(ThreadPool& pool, Weights& weights) {
    const size_t size = (size_ + kLargePage - 1) / kLargePage * kLargePage;
    auto* memory = static_cast<char*>(std::aligned_alloc(kLargePage, size));
    if (memory == nullptr) {
      return absl::ResourceExhaustedError(
          absl::StrCat("no memory for the model: ", size, " bytes"));
    }
    weights.memory.reset(memory);
    // It is slower without, and that is all.
    (void)madvise(memory, size, MADV_HUGEPAGE);
    struct Task {
      const Placed* placed;
      size_t panel;
    };
    std::vector<Task> tasks;
    for (const Placed& placed : matrices_) {
      placed.linear->matrix.data = memory + placed.offset;
      for (size_t panel = 0; panel < placed.linear->matrix.panels(); panel += kChunk) {
        tasks.push_back({&placed, panel});
      }
    }
    pool.Run(tasks.size(), [&](size_t i, int) {
      const Placed& placed = *tasks[i].placed;
      const PackedMatrix& matrix = placed.linear->matrix;
      Pack(placed.tensor->data, matrix, placed.taps, tasks[i].panel,
           std::min(tasks[i].panel + kChunk, matrix.panels()), memory + placed.offset);
    });
    return absl::OkStatus();
  }

 private:
  struct Placed {
    const Tensor* tensor;
    size_t taps;
    size_t offset;
    Linear* linear;
  };

  const ModelFile& file_;
  std::vector<Placed> matrices_;
  size_t size_ = 0;
};

}  // namespace

void Weights::Free::operator()(char* memory) const { std::free(memory); }

absl::StatusOr<Weights> LoadWeights(const ModelFile& file, ThreadPool& pool) {
  const Hyperparameters& p = file.parameters();
  Weights weights;
  Loader loader(file);
  loader.Place("encoder.conv1", /*bias=*/true, 3, weights.conv1);
  loader.Place("encoder.conv2", /*bias=*/true, 3, weights.conv2);
  weights.audio_positions = loader.Floats("encoder.positional_embedding");
  weights.encoder.resize(static_cast<size_t>(p.audio_layers));
  for (size_t i = 0; i < weights.encoder.size(); ++i) {
    loader.PlaceLayer(absl::StrCat("encoder.blocks.", i, "."), /*cross=*/false, weights.encoder[i]);
  }
  weights.encoder_norm = loader.LoadNorm("encoder.ln_post");
  weights.text_positions = loader.Floats("decoder.positional_embedding");
  weights.decoder.resize(static_cast<size_t>(p.text_layers));
  for (size_t i = 0; i < weights.decoder.size(); ++i) {
    loader.PlaceLayer(absl::StrCat("decoder.blocks.", i, "."), /*cross=*/true, weights.decoder[i]);
  }
  weights.decoder_norm = loader.LoadNorm("decoder.ln");
  weights.embedding = file.tensor("decoder.token_embedding.weight");
  loader.Place("decoder.token_embedding", /*bias=*/false, 1, weights.head);
  if (absl::Status status = loader.Copy(pool, weights); !status.ok()) return status;
  return weights;
}

}  // namespace rules_inference::infer
