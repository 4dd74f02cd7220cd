// The loops where the time goes, compiled once for each set of instructions.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "plugins/infer/cpu/packed_matrix.h"

namespace rules_inference::infer {

// 32 inputs of a quantized product as whole numbers of three digits of 7 bits each, first the
// highest: scale * (digits[0] * 2^14 + digits[1] * 2^7 + digits[2]). Digits are -64 to 64.
//
// That rounds to 2^-21 of the largest of the 32, about what the rounding of floats costs in a sum
// anyway, and lets products with small whole numbers be exact and run four to an instruction.
struct DigitBlock {
  std::array<std::array<int8_t, kBlock>, 3> digits;
  // What a sum of products with a digit starts with: undoes the offset that the numbers of the
  // weights have.
  std::array<int32_t, 3> start;
  float scale;
  // Of the 32 values.
  float sum;
  std::array<int32_t, 3> unused;
};
static_assert(sizeof(DigitBlock) == 128);

// What happens to a product.
enum class Finish {
  kStore,
  kGelu,
  // Added to what is there.
  kAdd,
};

// Keys and values of a window for one head, in 16 bits: whole numbers with a scale for each
// position, 16 times as exact as f16 where it counts. Positions are padded to a multiple of 16 with
// zeros.
struct CrossHead {
  // [panel of 16 positions][64][16].
  const int16_t* keys;
  // [position][64].
  const int16_t* values;
  const float* key_scales;
  const float* value_scales;
};

struct Kernels {
  // As CpuOptions have it, and for people.
  absl::string_view name;
  absl::string_view title;

  // Inputs `begin` to `end` of a panel as floats, [input][16]. Of quantized types: whole blocks.
  void (*unpack)(const PackedMatrix& matrix, size_t panel, size_t begin, size_t end, float* out);

  // c += a b, where c starts as 0 if `fresh`: rows of `a` lie `a_stride` apart, those of `c`
  // `c_stride`; `b` has panels of [inputs][16].
  void (*multiply)(const float* a, size_t a_stride, size_t rows, const float* b, size_t panels,
                   size_t inputs, bool fresh, float* c, size_t c_stride);

  // Panels `begin` to `end` of the products of an f32 or f16 matrix with few rows, in the same
  // order as `multiply` computes them, so with the same bits. Row r is at x + r * x_stride, and its
  // outputs of these panels at out + r * out_stride.
  void (*dot)(const PackedMatrix& matrix, size_t begin, size_t end, const float* x, size_t x_stride,
              size_t rows, float* out, size_t out_stride);

  // `size` values, a multiple of 32, for products with a matrix of the type.
  void (*to_digits)(const float* x, size_t size, TensorType type, DigitBlock* out);
  // As `dot`, of a quantized matrix. Blocks of row r begin at x + r * x_stride.
  void (*dot_digits)(const PackedMatrix& matrix, size_t begin, size_t end, const DigitBlock* x,
                     size_t x_stride, size_t rows, float* out, size_t out_stride);

  // Of `size` products in `x`, to `out`. `bias` may be null.
  void (*finish)(const float* x, const float* bias, size_t size, Finish how, float* out);

  // x + y, to `out`.
  void (*add)(const float* x, const float* y, size_t size, float* out);
  void (*normalize)(const float* x, const float* weight, const float* bias, size_t size,
                    float* out);
  // exp(scale * (x - the largest)), and returns 1 / the sum.
  float (*exponentials)(float* x, size_t size, float scale);
  void (*multiply_all)(float* x, size_t size, float by);

  // The 64 dimensions of a head of `count` rows that lie `stride` apart, as panels for `multiply`:
  // [panel of 16 rows][64][16], rows that are missing in the last panel 0.
  void (*transpose)(const float* x, size_t stride, size_t count, float* out);
  // [position][64] as four panels of [position][16].
  void (*split)(const float* x, size_t stride, size_t count, float* out);

  // Attention of a query to the keys at cells[i] + offset, `count` of them: scores, unscaled, and
  // the sum of the values there, weighted.
  void (*self_scores)(const float* query, const float* const* cells, size_t offset, size_t count,
                      float* scores);
  void (*self_mix)(const float* weights, const float* const* cells, size_t offset, size_t count,
                   float* out);

  // The same over a window, of `rows` queries that lie `stride` apart. Scores of a row begin
  // `score_stride` apart and `positions` of them are real.
  void (*cross_scores)(const float* queries, size_t stride, size_t rows, const CrossHead& head,
                       size_t positions, float* scores, size_t score_stride);
  void (*cross_mix)(const float* weights, size_t weight_stride, size_t rows, const CrossHead& head,
                    size_t positions, float* out, size_t stride);
  // 64 values as whole numbers of 16 bits; returns their scale.
  float (*to_fixed)(const float* x, int16_t* out);
};

// Those that this CPU can run, best first; never empty.
const std::vector<const Kernels*>& AllKernels();

// Names of all that are in the program, best first, whatever this CPU can run.
std::vector<absl::string_view> CompiledKernels();

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_H_
