// Whisper by its definition, in double precision and without any haste: what the engines are
// compared with. For tests.

#ifndef RULES_INFERENCE_PLUGINS_INFER_REFERENCE_H_
#define RULES_INFERENCE_PLUGINS_INFER_REFERENCE_H_

#include <cstddef>
#include <string>
#include <vector>

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

class Reference {
 public:
  // `file` has to outlive it.
  explicit Reference(const ModelFile& file) : file_(file) {}

  // `mel`: [frame][mel], two frames for each position of the encoder. Returns [position][state].
  Matrix Encode(absl::Span<const float> mel) const;

  // Logits of what follows each of `tokens`: [token][vocab].
  Matrix Decode(absl::Span<const int> tokens, const Matrix& audio) const;

 private:
  std::vector<double> Load(absl::string_view name) const;
  Matrix Linear(const Matrix& in, const std::string& name, bool bias = true) const;
  Matrix Norm(const Matrix& in, const std::string& name) const;
  Matrix Convolve(const Matrix& in, const std::string& name, size_t stride) const;
  // `from` is what keys and values are made of.
  Matrix Attend(const Matrix& in, const Matrix& from, const std::string& name, bool causal) const;
  Matrix Block(Matrix x, const Matrix* audio, const std::string& name) const;

  const ModelFile& file_;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_REFERENCE_H_
