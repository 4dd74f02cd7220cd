// Element types of ggml files, and what their bytes mean.
//
// Layouts: ggml's own (block_q4_0 and the others of ggml-common.h); a block is 32 neighbours of the
// innermost dimension. Quantization here is for files that tests and benchmarks make.

#ifndef RULES_INFERENCE_PLUGINS_INFER_TENSOR_TYPE_H_
#define RULES_INFERENCE_PLUGINS_INFER_TENSOR_TYPE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace rules_inference::infer {

enum class TensorType { kF32, kF16, kQ4_0, kQ4_1, kQ5_0, kQ5_1, kQ8_0 };

struct TensorTypeInfo {
  TensorType type;
  // As messages and flags have it: "f32", "q5_1".
  absl::string_view name;
  // In front of a tensor, and in the header of a file: two different numberings.
  uint32_t id;
  uint32_t file_type;
  // Elements in a block, and its bytes.
  size_t block;
  size_t bytes;
};

absl::Span<const TensorTypeInfo> TensorTypes();
const TensorTypeInfo& InfoOf(TensorType type);
// By the number in front of a tensor; by name.
std::optional<TensorType> TensorTypeOf(uint32_t id);
std::optional<TensorType> TensorTypeOf(absl::string_view name);

// Bytes of `elements`, a multiple of the block.
size_t BytesOf(TensorType type, size_t elements);

float HalfToFloat(uint16_t half);
// Rounds to the nearest, ties to even; what is too large becomes infinite.
uint16_t FloatToHalf(float value);

// `out` has a multiple of the block; `data` has BytesOf it.
void Dequantize(TensorType type, absl::Span<const char> data, absl::Span<float> out);
// The reverse; `in` has a multiple of the block, `out` BytesOf it.
void Quantize(TensorType type, absl::Span<const float> in, absl::Span<char> out);

// Whether all values, or the scales of all blocks, are finite numbers.
bool IsFinite(TensorType type, absl::Span<const char> data);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_TENSOR_TYPE_H_
