// Whisper by its definition, in double precision and without any haste: what the engines are
// compared with. For tests.

#ifndef RULES_INFERENCE_PLUGINS_INFER_REFERENCE_H_
#define RULES_INFERENCE_PLUGINS_INFER_REFERENCE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {

// Row-major.
struct Matrix {
  size_t rows = 0;
  size_t columns = 0;
  std::vector<double> values;

  Matrix() = default;
  Matrix(size_t rows_in, size_t columns_in)
      : rows(rows_in), columns(columns_in), values(rows_in * columns_in) {}
  double* row(size_t i) { return values.data() + i * columns; }
  const double* row(size_t i) const { return values.data() + i * columns; }
};

// What one layer of the decoder attends to, a row for each position.
struct KeysAndValues {
  Matrix keys;
  Matrix values;
};

// Used by one thread at a time: it keeps the weights that it has read.
class Reference {
 public:
  // `file` has to outlive it.
  explicit Reference(const ModelFile& file) : file_(file) {}

  // `mel`: [frame][mel], two frames for each position of the encoder. Returns [position][state].
  Matrix Encode(absl::Span<const float> mel) const;

  // Of each layer of the decoder, over the encoder's result.
  std::vector<KeysAndValues> Cross(const Matrix& audio) const;

  // The decoder's state behind each of `tokens`, which follow those that `past` has; of each layer,
  // empty at the beginning, and extended. With `scores`: of each layer and head, one after the
  // other, [token][position of the encoder], before softmax.
  Matrix Continue(absl::Span<const int> tokens, const std::vector<KeysAndValues>& cross,
                  std::vector<KeysAndValues>& past, std::vector<Matrix>* scores) const;

  // [row of `state`][vocab].
  Matrix Logits(const Matrix& state) const;

  // Logits of what follows each of `tokens`: [token][vocab].
  Matrix Decode(absl::Span<const int> tokens, const Matrix& audio) const;

 private:
  const std::vector<float>& Load(absl::string_view name) const;
  Matrix Linear(const Matrix& in, const std::string& name, bool bias = true) const;
  Matrix Norm(const Matrix& in, const std::string& name) const;
  Matrix Convolve(const Matrix& in, const std::string& name, size_t stride) const;
  KeysAndValues KeysOf(const Matrix& in, const std::string& name) const;
  // Each row sees all of `from`, or, if `causal`, as much as is there up to its own.
  Matrix Attend(const Matrix& in, const KeysAndValues& from, const std::string& name, bool causal,
                std::vector<Matrix>* scores) const;
  void Feed(Matrix& x, const std::string& name) const;

  const ModelFile& file_;
  mutable absl::flat_hash_map<std::string, std::unique_ptr<const std::vector<float>>> weights_;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_REFERENCE_H_
