// A matrix of the model in the order in which kernels read it.
//
// The file has a row of inputs for each output. Kernels compute 16 neighbouring outputs at a time,
// one in each lane of a vector (or of two or four, where vectors are shorter), so these 16 rows are
// interleaved into a panel. Each output is then one chain of sums over its inputs, in their order,
// whatever the width of vectors, the number of threads and the size of a batch are: that is why
// none of them changes a bit of the results.
//
// In a panel of f32 or f16: [input][16]. Of a quantized type, blocks of 32 inputs, and in each
//   q8_0:   [8 steps][16 outputs][4 inputs], numbers plus 128;
//   others: [4][16][4], the low bits of step s in the low half of the bytes, those of step s + 4 in
//           the high half; then, for 5 bits, [16][4] with the fifth bit of step s in bit s;
//   and the scales of the 16 outputs, and their minima where the type has them, in f16.
// Where the last panel has less than 16 outputs, zeros stand in for them.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CPU_PACKED_MATRIX_H_
#define RULES_INFERENCE_PLUGINS_INFER_CPU_PACKED_MATRIX_H_

#include <cstddef>

#include "absl/types/span.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer {

// Outputs of a panel; inputs of a quantized block.
inline constexpr size_t kPanel = 16;
inline constexpr size_t kBlock = 32;

struct PackedMatrix {
  TensorType type = TensorType::kF32;
  size_t inputs = 0;
  size_t outputs = 0;
  const char* data = nullptr;

  size_t panels() const { return (outputs + kPanel - 1) / kPanel; }
  size_t panel_bytes() const { return kPanel * BytesOf(type, inputs); }
  size_t bytes() const { return panels() * panel_bytes(); }
  const char* panel(size_t i) const { return data + i * panel_bytes(); }
};

// Whether the type is one of blocks with a scale.
bool IsQuantized(TensorType type);

// Panels `begin` to `end` of what is `data` in the file, [output][input], to `to`, which has room
// for the whole matrix. With `taps` > 1 the data are those of a convolution, [output][input][tap],
// and the packed inputs are [tap][input]; f32 and f16 only.
void Pack(absl::Span<const char> data, const PackedMatrix& matrix, size_t taps, size_t begin,
          size_t end, char* to);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CPU_PACKED_MATRIX_H_
