#include "plugins/infer/cuda/weights.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer::cuda {
namespace {

// Largest finite f16.
constexpr float kLargestHalf = 65504;

size_t Elements(const Tensor& tensor) {
  size_t elements = 1;
  for (const int size : tensor.dimensions) elements *= static_cast<size_t>(size);
  return elements;
}

WeightType TypeOf(TensorType type) {
  switch (type) {
    case TensorType::kQ4_0:
      return WeightType::kQ4_0;
    case TensorType::kQ4_1:
      return WeightType::kQ4_1;
    case TensorType::kQ5_0:
      return WeightType::kQ5_0;
    case TensorType::kQ5_1:
      return WeightType::kQ5_1;
    case TensorType::kQ8_0:
      return WeightType::kQ8_0;
    default:
      return WeightType::kF16;
  }
}

// Bytes of the parts of a block, in their order in the file.
struct Parts {
  size_t scales;
  size_t fifth;
  size_t quants;
};

Parts PartsOf(TensorType type) {
  switch (type) {
    case TensorType::kQ4_0:
      return {2, 0, 16};
    case TensorType::kQ4_1:
      return {4, 0, 16};
    case TensorType::kQ5_0:
      return {2, 4, 16};
    case TensorType::kQ5_1:
      return {4, 4, 16};
    default:
      return {2, 0, 32};
  }
}

// The parts of blocks, each by itself.
struct Planes {
  std::vector<char> scales;
  std::vector<char> fifth;
  std::vector<char> quants;
};

void Split(TensorType type, absl::Span<const char> data, Planes& planes) {
  const Parts parts = PartsOf(type);
  const size_t size = InfoOf(type).bytes;
  for (size_t at = 0; at < data.size(); at += size) {
    const char* const scales = data.data() + at;
    const char* const fifth = scales + parts.scales;
    const char* const quants = fifth + parts.fifth;
    planes.scales.insert(planes.scales.end(), scales, fifth);
    planes.fifth.insert(planes.fifth.end(), fifth, quants);
    planes.quants.insert(planes.quants.end(), quants, quants + parts.quants);
  }
}

// Rows of `columns` as f16, each with zeros up to `padded`.
void AppendHalves(const Tensor& tensor, size_t columns, size_t padded, std::vector<uint16_t>& out) {
  std::vector<float> row(columns);
  const size_t bytes = BytesOf(tensor.type, columns);
  for (size_t at = 0; at < tensor.data.size(); at += bytes) {
    Dequantize(tensor.type, tensor.data.subspan(at, bytes), absl::MakeSpan(row));
    for (const float value : row) {
      out.push_back(FloatToHalf(std::clamp(value, -kLargestHalf, kLargestHalf)));
    }
    out.insert(out.end(), padded - columns, 0);
  }
}

class Loader {
 public:
  Loader(const ModelFile& file, Accelerator& accelerator)
      : file_(file), accelerator_(accelerator) {}

  absl::StatusOr<Weights> Load() {
    const Hyperparameters& p = file_.parameters();
    RETURN_IF_ERROR(Convolution("encoder.conv1", weights_.conv1));
    RETURN_IF_ERROR(Convolution("encoder.conv2", weights_.conv2));
    RETURN_IF_ERROR(Floats("encoder.positional_embedding", weights_.audio_positions));
    weights_.encoder.resize(static_cast<size_t>(p.audio_layers));
    for (int i = 0; i < p.audio_layers; ++i) {
      RETURN_IF_ERROR(LoadLayer(absl::StrCat("encoder.blocks.", i, "."),
                                weights_.encoder[static_cast<size_t>(i)]));
    }
    RETURN_IF_ERROR(LoadNorm("encoder.ln_post", weights_.audio_norm));
    RETURN_IF_ERROR(Matrix({"decoder.token_embedding"}, weights_.embedding));
    RETURN_IF_ERROR(Floats("decoder.positional_embedding", weights_.text_positions));
    weights_.decoder.resize(static_cast<size_t>(p.text_layers));
    for (int i = 0; i < p.text_layers; ++i) {
      const std::string name = absl::StrCat("decoder.blocks.", i, ".");
      DecoderLayer& layer = weights_.decoder[static_cast<size_t>(i)];
      RETURN_IF_ERROR(LoadLayer(name, layer.self));
      RETURN_IF_ERROR(LoadNorm(name + "cross_attn_ln", layer.cross_norm));
      const std::string cross = name + "cross_attn.";
      RETURN_IF_ERROR(LoadLinear({cross + "query"}, layer.cross_query));
      RETURN_IF_ERROR(LoadLinear({cross + "key", cross + "value"}, layer.cross_kv));
      RETURN_IF_ERROR(LoadLinear({cross + "out"}, layer.cross_out));
    }
    RETURN_IF_ERROR(LoadNorm("decoder.ln", weights_.text_norm));
    return std::move(weights_);
  }

 private:
  absl::Status LoadLayer(const std::string& name, EncoderLayer& layer) {
    RETURN_IF_ERROR(LoadNorm(name + "attn_ln", layer.attention_norm));
    const std::string attention = name + "attn.";
    RETURN_IF_ERROR(
        LoadLinear({attention + "query", attention + "key", attention + "value"}, layer.qkv));
    RETURN_IF_ERROR(LoadLinear({attention + "out"}, layer.attention_out));
    RETURN_IF_ERROR(LoadNorm(name + "mlp_ln", layer.mlp_norm));
    RETURN_IF_ERROR(LoadLinear({name + "mlp.0"}, layer.mlp_in));
    return LoadLinear({name + "mlp.2"}, layer.mlp_out);
  }

  absl::Status LoadNorm(const std::string& name, Norm& norm) {
    RETURN_IF_ERROR(Floats(name + ".weight", norm.weight));
    return Floats(name + ".bias", norm.bias);
  }

  // Matrices one above the other. Keys have no bias: zeros.
  absl::Status LoadLinear(const std::vector<std::string>& names, Linear& linear) {
    RETURN_IF_ERROR(Matrix(names, linear.weight));
    std::vector<float> bias;
    for (const std::string& name : names) {
      if (name.ends_with(".key")) {
        bias.resize(bias.size() + static_cast<size_t>(file_.parameters().text_state));
      } else {
        Append(file_.tensor(name + ".bias"), bias);
      }
    }
    return KeepBias(bias, linear);
  }

  absl::Status Convolution(const std::string& name, Linear& linear) {
    const Tensor& tensor = file_.tensor(name + ".weight");
    const auto columns = static_cast<size_t>(tensor.dimensions[0] * tensor.dimensions[1]);
    const size_t padded = (columns + kBlock - 1) / kBlock * kBlock;
    std::vector<uint16_t> halves;
    AppendHalves(tensor, columns, padded, halves);
    linear.weight.rows = tensor.dimensions[2];
    linear.weight.columns = static_cast<int>(padded);
    const uint16_t* quants = nullptr;
    RETURN_IF_ERROR(Keep<uint16_t>(halves, quants));
    linear.weight.quants = quants;
    std::vector<float> bias;
    Append(file_.tensor(name + ".bias"), bias);
    return KeepBias(bias, linear);
  }

  absl::Status Matrix(const std::vector<std::string>& names, Weight& weight) {
    std::vector<const Tensor*> tensors;
    for (const std::string& name : names) tensors.push_back(&file_.tensor(name + ".weight"));
    weight.columns = tensors[0]->dimensions[0];
    for (const Tensor* tensor : tensors) weight.rows += tensor->dimensions[1];
    const TensorType type = tensors[0]->type;
    const bool alike = std::all_of(tensors.begin(), tensors.end(),
                                   [&](const Tensor* tensor) { return tensor->type == type; });
    if (!alike || type == TensorType::kF32 || type == TensorType::kF16) {
      return Halves(tensors, weight);
    }
    weight.type = TypeOf(type);
    Planes planes;
    for (const Tensor* tensor : tensors) Split(type, tensor->data, planes);
    const char* data = nullptr;
    RETURN_IF_ERROR(Keep<char>(planes.quants, data));
    weight.quants = data;
    RETURN_IF_ERROR(Keep<char>(planes.scales, data));
    weight.scales = reinterpret_cast<const Half*>(data);
    if (planes.fifth.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(Keep<char>(planes.fifth, data));
    weight.fifth = reinterpret_cast<const uint32_t*>(data);
    return absl::OkStatus();
  }

  absl::Status Halves(const std::vector<const Tensor*>& tensors, Weight& weight) {
    const auto columns = static_cast<size_t>(weight.columns);
    const size_t bytes = static_cast<size_t>(weight.rows) * columns * sizeof(Half);
    ASSIGN_OR_RETURN(Buffer buffer, Buffer::Make(accelerator_, bytes));
    char* to = buffer.as<char>();
    for (const Tensor* tensor : tensors) {
      // Most of a large model, and without a detour.
      if (tensor->type == TensorType::kF16) {
        RETURN_IF_ERROR(accelerator_.Upload(to, tensor->data.data(), tensor->data.size()));
      } else {
        std::vector<uint16_t> halves;
        AppendHalves(*tensor, columns, columns, halves);
        RETURN_IF_ERROR(accelerator_.Upload(to, halves.data(), halves.size() * sizeof(Half)));
      }
      to += Elements(*tensor) * sizeof(Half);
    }
    weight.type = WeightType::kF16;
    weight.quants = buffer.as<Half>();
    weights_.buffers.push_back(std::move(buffer));
    return absl::OkStatus();
  }

  absl::Status KeepBias(const std::vector<float>& bias, Linear& linear) {
    std::vector<Half> halves;
    for (const float value : bias) {
      halves.push_back({FloatToHalf(std::clamp(value, -kLargestHalf, kLargestHalf))});
    }
    RETURN_IF_ERROR(Keep<float>(bias, linear.bias));
    return Keep<Half>(halves, linear.bias_half);
  }

  void Append(const Tensor& tensor, std::vector<float>& to) {
    const size_t elements = Elements(tensor);
    to.resize(to.size() + elements);
    Dequantize(tensor.type, tensor.data, absl::MakeSpan(to).last(elements));
  }

  absl::Status Floats(const std::string& name, const float*& out) {
    std::vector<float> values;
    Append(file_.tensor(name), values);
    return Keep<float>(values, out);
  }

  template <typename T>
  absl::Status Keep(const std::vector<T>& values, const T*& out) {
    ASSIGN_OR_RETURN(Buffer buffer, UploadNew<T>(accelerator_, values));
    out = buffer.template as<T>();
    weights_.buffers.push_back(std::move(buffer));
    return absl::OkStatus();
  }

  const ModelFile& file_;
  Accelerator& accelerator_;
  Weights weights_;
};

}  // namespace

absl::StatusOr<Weights> LoadWeights(const ModelFile& file, Accelerator& accelerator) {
  return Loader(file, accelerator).Load();
}

size_t WeightBytes(const ModelFile& file) {
  size_t bytes = 0;
  for (const TensorShape& shape : ShapesOf(file.parameters())) {
    const Tensor& tensor = file.tensor(shape.name);
    const bool narrowed = shape.kind != TensorKind::kFloat && tensor.type == TensorType::kF32;
    bytes += narrowed ? tensor.data.size() / 2 : tensor.data.size();
  }
  return bytes;
}

}  // namespace rules_inference::infer::cuda
