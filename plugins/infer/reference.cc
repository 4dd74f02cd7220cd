#include "plugins/infer/reference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer {
namespace {

constexpr double kEpsilon = 1e-5;

void Add(Matrix& to, const Matrix& what) {
  for (size_t i = 0; i < to.values.size(); ++i) to.values[i] += what.values[i];
}

// The exact form, with the error function.
void Gelu(Matrix& x) {
  for (double& value : x.values) value *= 0.5 * (1 + std::erf(value / std::numbers::sqrt2));
}

void Softmax(std::vector<double>& values) {
  const double largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (double& value : values) sum += value = std::exp(value - largest);
  for (double& value : values) value /= sum;
}

double Dot(const double* a, const double* b, size_t size) {
  double sum = 0;
  for (size_t i = 0; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

std::vector<double> Reference::Load(absl::string_view name) const {
  const Tensor& tensor = file_.tensor(name);
  size_t elements = 1;
  for (const int size : tensor.dimensions) elements *= static_cast<size_t>(size);
  std::vector<float> values(elements);
  Dequantize(tensor.type, tensor.data, absl::MakeSpan(values));
  return {values.begin(), values.end()};
}

Matrix Reference::Linear(const Matrix& in, const std::string& name, bool bias) const {
  const std::vector<double> weight = Load(name + ".weight");
  Matrix out(in.rows, weight.size() / in.columns);
  const std::vector<double> add =
      bias ? Load(name + ".bias") : std::vector<double>(out.columns, 0.0);
  for (size_t i = 0; i < out.rows; ++i) {
    for (size_t j = 0; j < out.columns; ++j) {
      out.row(i)[j] = add[j] + Dot(in.row(i), &weight[j * in.columns], in.columns);
    }
  }
  return out;
}

Matrix Reference::Norm(const Matrix& in, const std::string& name) const {
  const std::vector<double> weight = Load(name + ".weight");
  const std::vector<double> bias = Load(name + ".bias");
  Matrix out(in.rows, in.columns);
  const auto size = static_cast<double>(in.columns);
  for (size_t i = 0; i < in.rows; ++i) {
    const double* x = in.row(i);
    double mean = 0;
    for (size_t j = 0; j < in.columns; ++j) mean += x[j] / size;
    double variance = 0;
    for (size_t j = 0; j < in.columns; ++j) variance += (x[j] - mean) * (x[j] - mean) / size;
    for (size_t j = 0; j < in.columns; ++j) {
      out.row(i)[j] = (x[j] - mean) / std::sqrt(variance + kEpsilon) * weight[j] + bias[j];
    }
  }
  return out;
}

// Three neighbours, zeros beside the ends.
Matrix Reference::Convolve(const Matrix& in, const std::string& name, size_t stride) const {
  const std::vector<double> weight = Load(name + ".weight");
  const std::vector<double> bias = Load(name + ".bias");
  Matrix out(in.rows / stride, bias.size());
  for (size_t i = 0; i < out.rows; ++i) {
    for (size_t j = 0; j < out.columns; ++j) {
      double sum = bias[j];
      for (size_t k = 0; k < 3; ++k) {
        const size_t at = i * stride + k;  // One more than the row.
        if (at == 0 || at > in.rows) continue;
        for (size_t c = 0; c < in.columns; ++c) {
          sum += weight[(j * in.columns + c) * 3 + k] * in.row(at - 1)[c];
        }
      }
      out.row(i)[j] = sum;
    }
  }
  return out;
}

Matrix Reference::Attend(const Matrix& in, const Matrix& from, const std::string& name,
                         bool causal) const {
  constexpr size_t kHead = Hyperparameters::kHeadSize;
  const Matrix query = Linear(in, name + ".query");
  const Matrix key = Linear(from, name + ".key", /*bias=*/false);
  const Matrix value = Linear(from, name + ".value");
  Matrix mixed(in.rows, in.columns);
  for (size_t head = 0; head < in.columns; head += kHead) {
    for (size_t i = 0; i < in.rows; ++i) {
      std::vector<double> weights(causal ? i + 1 : from.rows);
      for (size_t j = 0; j < weights.size(); ++j) {
        weights[j] = Dot(query.row(i) + head, key.row(j) + head, kHead) / std::sqrt(double{kHead});
      }
      Softmax(weights);
      for (size_t j = 0; j < weights.size(); ++j) {
        for (size_t c = 0; c < kHead; ++c) {
          mixed.row(i)[head + c] += weights[j] * value.row(j)[head + c];
        }
      }
    }
  }
  return Linear(mixed, name + ".out");
}

Matrix Reference::Block(Matrix x, const Matrix* audio, const std::string& name) const {
  Matrix normal = Norm(x, name + "attn_ln");
  Add(x, Attend(normal, normal, name + "attn", /*causal=*/audio != nullptr));
  if (audio != nullptr) {
    Add(x, Attend(Norm(x, name + "cross_attn_ln"), *audio, name + "cross_attn", false));
  }
  Matrix wide = Linear(Norm(x, name + "mlp_ln"), name + "mlp.0");
  Gelu(wide);
  Add(x, Linear(wide, name + "mlp.2"));
  return x;
}

Matrix Reference::Encode(absl::Span<const float> mel) const {
  const Hyperparameters& parameters = file_.parameters();
  Matrix in(mel.size() / static_cast<size_t>(parameters.mels),
            static_cast<size_t>(parameters.mels));
  in.values.assign(mel.begin(), mel.end());
  Matrix x = Convolve(in, "encoder.conv1", 1);
  Gelu(x);
  x = Convolve(x, "encoder.conv2", 2);
  Gelu(x);
  const std::vector<double> positions = Load("encoder.positional_embedding");
  for (size_t i = 0; i < x.values.size(); ++i) x.values[i] += positions[i];
  for (int i = 0; i < parameters.audio_layers; ++i) {
    x = Block(std::move(x), nullptr, absl::StrCat("encoder.blocks.", i, "."));
  }
  return Norm(x, "encoder.ln_post");
}

Matrix Reference::Decode(absl::Span<const int> tokens, const Matrix& audio) const {
  const Hyperparameters& parameters = file_.parameters();
  const auto state = static_cast<size_t>(parameters.text_state);
  const std::vector<double> embedding = Load("decoder.token_embedding.weight");
  const std::vector<double> positions = Load("decoder.positional_embedding");
  Matrix x(tokens.size(), state);
  for (size_t i = 0; i < tokens.size(); ++i) {
    for (size_t j = 0; j < state; ++j) {
      x.row(i)[j] =
          embedding[static_cast<size_t>(tokens[i]) * state + j] + positions[i * state + j];
    }
  }
  for (int i = 0; i < parameters.text_layers; ++i) {
    x = Block(std::move(x), &audio, absl::StrCat("decoder.blocks.", i, "."));
  }
  return Linear(Norm(x, "decoder.ln"), "decoder.token_embedding", /*bias=*/false);
}

}  // namespace rules_inference::infer
