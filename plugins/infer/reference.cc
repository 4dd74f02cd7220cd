#include "plugins/infer/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <numbers>
#include <numeric>
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

// Sums in lanes, so that the compiler can use vectors. `size` is a multiple of a head's.
template <typename T>
double Dot(const double* a, const T* b, size_t size) {
  constexpr size_t kLanes = 8;
  std::array<double, kLanes> sums = {};
  for (size_t i = 0; i < size; i += kLanes) {
    for (size_t l = 0; l < kLanes; ++l) sums[l] += a[i + l] * static_cast<double>(b[i + l]);
  }
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

void Append(const Matrix& rows, Matrix& to) {
  to.columns = rows.columns;
  to.rows += rows.rows;
  to.values.insert(to.values.end(), rows.values.begin(), rows.values.end());
}

}  // namespace

const std::vector<float>& Reference::Load(absl::string_view name) const {
  std::unique_ptr<const std::vector<float>>& weights = weights_[name];
  if (weights == nullptr) {
    const Tensor& tensor = file_.tensor(name);
    size_t elements = 1;
    for (const int size : tensor.dimensions) elements *= static_cast<size_t>(size);
    std::vector<float> values(elements);
    Dequantize(tensor.type, tensor.data, absl::MakeSpan(values));
    weights = std::make_unique<const std::vector<float>>(std::move(values));
  }
  return *weights;
}

Matrix Reference::Linear(const Matrix& in, const std::string& name, bool bias) const {
  const std::vector<float>& weight = Load(name + ".weight");
  Matrix out(in.rows, weight.size() / in.columns);
  for (size_t j = 0; j < out.columns; ++j) {
    for (size_t i = 0; i < out.rows; ++i) {
      out.row(i)[j] = Dot(in.row(i), &weight[j * in.columns], in.columns);
    }
  }
  if (!bias) return out;
  const std::vector<float>& add = Load(name + ".bias");
  for (size_t i = 0; i < out.rows; ++i) {
    for (size_t j = 0; j < out.columns; ++j) out.row(i)[j] += static_cast<double>(add[j]);
  }
  return out;
}

Matrix Reference::Norm(const Matrix& in, const std::string& name) const {
  const std::vector<float>& weight = Load(name + ".weight");
  const std::vector<float>& bias = Load(name + ".bias");
  Matrix out(in.rows, in.columns);
  const auto size = static_cast<double>(in.columns);
  for (size_t i = 0; i < in.rows; ++i) {
    const double* x = in.row(i);
    double mean = 0;
    for (size_t j = 0; j < in.columns; ++j) mean += x[j] / size;
    double variance = 0;
    for (size_t j = 0; j < in.columns; ++j) variance += (x[j] - mean) * (x[j] - mean) / size;
    for (size_t j = 0; j < in.columns; ++j) {
      out.row(i)[j] =
          (x[j] - mean) / std::sqrt(variance + kEpsilon) * static_cast<double>(weight[j]) +
          static_cast<double>(bias[j]);
    }
  }
  return out;
}

// Three neighbours, zeros beside the ends.
Matrix Reference::Convolve(const Matrix& in, const std::string& name, size_t stride) const {
  const std::vector<float>& weight = Load(name + ".weight");
  const std::vector<float>& bias = Load(name + ".bias");
  Matrix out(in.rows / stride, bias.size());
  for (size_t i = 0; i < out.rows; ++i) {
    for (size_t j = 0; j < out.columns; ++j) {
      auto sum = static_cast<double>(bias[j]);
      for (size_t k = 0; k < 3; ++k) {
        const size_t at = i * stride + k;  // One more than the row.
        if (at == 0 || at > in.rows) continue;
        for (size_t c = 0; c < in.columns; ++c) {
          sum += static_cast<double>(weight[(j * in.columns + c) * 3 + k]) * in.row(at - 1)[c];
        }
      }
      out.row(i)[j] = sum;
    }
  }
  return out;
}

KeysAndValues Reference::KeysOf(const Matrix& in, const std::string& name) const {
  return {Linear(in, name + ".key", /*bias=*/false), Linear(in, name + ".value")};
}

Matrix Reference::Attend(const Matrix& in, const KeysAndValues& from, const std::string& name,
                         bool causal, std::vector<Matrix>* scores) const {
  constexpr size_t kHead = Hyperparameters::kHeadSize;
  const Matrix query = Linear(in, name + ".query");
  Matrix mixed(in.rows, in.columns);
  for (size_t head = 0; head < in.columns; head += kHead) {
    Matrix products(in.rows, from.keys.rows);
    for (size_t i = 0; i < in.rows; ++i) {
      std::vector<double> weights(from.keys.rows - (causal ? in.rows - 1 - i : 0));
      for (size_t j = 0; j < weights.size(); ++j) {
        weights[j] =
            Dot(query.row(i) + head, from.keys.row(j) + head, kHead) / std::sqrt(double{kHead});
      }
      if (scores != nullptr) std::copy(weights.begin(), weights.end(), products.row(i));
      Softmax(weights);
      double* to = mixed.row(i) + head;
      for (size_t j = 0; j < weights.size(); ++j) {
        const double* value = from.values.row(j) + head;
        for (size_t c = 0; c < kHead; ++c) to[c] += weights[j] * value[c];
      }
    }
    if (scores != nullptr) scores->push_back(std::move(products));
  }
  return Linear(mixed, name + ".out");
}

void Reference::Feed(Matrix& x, const std::string& name) const {
  Matrix wide = Linear(Norm(x, name + "mlp_ln"), name + "mlp.0");
  Gelu(wide);
  Add(x, Linear(wide, name + "mlp.2"));
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
  const std::vector<float>& positions = Load("encoder.positional_embedding");
  for (size_t i = 0; i < x.values.size(); ++i) x.values[i] += static_cast<double>(positions[i]);
  for (int i = 0; i < parameters.audio_layers; ++i) {
    const std::string name = absl::StrCat("encoder.blocks.", i, ".");
    const Matrix normal = Norm(x, name + "attn_ln");
    Add(x, Attend(normal, KeysOf(normal, name + "attn"), name + "attn", /*causal=*/false, nullptr));
    Feed(x, name);
  }
  return Norm(x, "encoder.ln_post");
}

std::vector<KeysAndValues> Reference::Cross(const Matrix& audio) const {
  std::vector<KeysAndValues> cross;
  for (int i = 0; i < file_.parameters().text_layers; ++i) {
    cross.push_back(KeysOf(audio, absl::StrCat("decoder.blocks.", i, ".cross_attn")));
  }
  return cross;
}

Matrix Reference::Continue(absl::Span<const int> tokens, const std::vector<KeysAndValues>& cross,
                           std::vector<KeysAndValues>& past, std::vector<Matrix>* scores) const {
  const Hyperparameters& parameters = file_.parameters();
  const auto state = static_cast<size_t>(parameters.text_state);
  const std::vector<float>& embedding = Load("decoder.token_embedding.weight");
  const std::vector<float>& positions = Load("decoder.positional_embedding");
  past.resize(static_cast<size_t>(parameters.text_layers));
  const size_t first = past[0].keys.rows;
  Matrix x(tokens.size(), state);
  for (size_t i = 0; i < tokens.size(); ++i) {
    const float* token = &embedding[static_cast<size_t>(tokens[i]) * state];
    const float* position = &positions[(first + i) * state];
    for (size_t j = 0; j < state; ++j) {
      x.row(i)[j] = static_cast<double>(token[j]) + static_cast<double>(position[j]);
    }
  }
  for (size_t i = 0; i < past.size(); ++i) {
    const std::string name = absl::StrCat("decoder.blocks.", i, ".");
    const Matrix normal = Norm(x, name + "attn_ln");
    const KeysAndValues more = KeysOf(normal, name + "attn");
    Append(more.keys, past[i].keys);
    Append(more.values, past[i].values);
    Add(x, Attend(normal, past[i], name + "attn", /*causal=*/true, nullptr));
    Add(x, Attend(Norm(x, name + "cross_attn_ln"), cross[i], name + "cross_attn",
                  /*causal=*/false, scores));
    Feed(x, name);
  }
  return x;
}

Matrix Reference::Logits(const Matrix& state) const {
  return Linear(Norm(state, "decoder.ln"), "decoder.token_embedding", /*bias=*/false);
}

Matrix Reference::Decode(absl::Span<const int> tokens, const Matrix& audio) const {
  std::vector<KeysAndValues> past;
  return Logits(Continue(tokens, Cross(audio), past, nullptr));
}

}  // namespace rules_inference::infer
