#include "plugins/infer/cpu/packed_matrix.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/types/span.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer {
namespace {

template <typename T>
void PackFloats(const char* data, const PackedMatrix& matrix, size_t taps, size_t panel, char* to) {
  const size_t inputs = matrix.inputs / taps;
  const size_t lanes = std::min(kPanel, matrix.outputs - panel * kPanel);
  for (size_t lane = 0; lane < lanes; ++lane) {
    const char* row = data + (panel * kPanel + lane) * matrix.inputs * sizeof(T);
    for (size_t tap = 0; tap < taps; ++tap) {
      for (size_t i = 0; i < inputs; ++i) {
        std::memcpy(to + ((tap * inputs + i) * kPanel + lane) * sizeof(T),
                    row + (i * taps + tap) * sizeof(T), sizeof(T));
      }
    }
  }
}

struct Layout {
  bool has_minimum;
  bool has_fifth_bit;
};

Layout LayoutOf(TensorType type) {
  return {.has_minimum = type == TensorType::kQ4_1 || type == TensorType::kQ5_1,
          .has_fifth_bit = type == TensorType::kQ5_0 || type == TensorType::kQ5_1};
}

// One block of one output.
void PackBlock(const char* in, TensorType type, size_t lane, char* to) {
  const Layout layout = LayoutOf(type);
  auto* out = reinterpret_cast<uint8_t*>(to);
  const char* scale = in;
  const char* minimum = in + 2;
  in += layout.has_minimum ? 4 : 2;
  std::array<uint8_t, kBlock> numbers;
  uint32_t fifth = 0;
  if (layout.has_fifth_bit) {
    std::memcpy(&fifth, in, 4);  // Little-endian, as all machines that we build for.
    in += 4;
  }
  const auto* bytes = reinterpret_cast<const uint8_t*>(in);
  for (size_t k = 0; k < kBlock; ++k) {
    if (type == TensorType::kQ8_0) {
      numbers[k] = bytes[k] ^ 0x80;
    } else {
      numbers[k] = static_cast<uint8_t>(k < 16 ? bytes[k] & 15 : bytes[k - 16] >> 4);
    }
  }
  for (size_t k = 0; k < kBlock; ++k) {
    const size_t step = k / 4;
    const size_t at = lane * 4 + k % 4;
    if (type == TensorType::kQ8_0) {
      out[step * 64 + at] = numbers[k];
      continue;
    }
    out[step % 4 * 64 + at] |= static_cast<uint8_t>(numbers[k] << (step < 4 ? 0 : 4));
    if ((fifth >> k & 1) != 0) out[256 + at] |= static_cast<uint8_t>(1U << step);
  }
  size_t end = type == TensorType::kQ8_0 ? 512 : 256;
  if (layout.has_fifth_bit) end += 64;
  std::memcpy(out + end + lane * 2, scale, 2);
  if (layout.has_minimum) std::memcpy(out + end + 32 + lane * 2, minimum, 2);
}

void PackBlocks(const char* data, const PackedMatrix& matrix, size_t panel, char* to) {
  const size_t bytes = InfoOf(matrix.type).bytes;
  const size_t blocks = matrix.inputs / kBlock;
  const size_t lanes = std::min(kPanel, matrix.outputs - panel * kPanel);
  for (size_t block = 0; block < blocks; ++block) {
    for (size_t lane = 0; lane < lanes; ++lane) {
      PackBlock(data + ((panel * kPanel + lane) * blocks + block) * bytes, matrix.type, lane,
                to + block * kPanel * bytes);
    }
  }
}

}  // namespace

bool IsQuantized(TensorType type) { return type != TensorType::kF32 && type != TensorType::kF16; }

void Pack(absl::Span<const char> data, const PackedMatrix& matrix, size_t taps, size_t begin,
          size_t end, char* to) {
  for (size_t panel = begin; panel < end; ++panel) {
    char* out = to + panel * matrix.panel_bytes();
    std::memset(out, 0, matrix.panel_bytes());
    if (matrix.type == TensorType::kF32) {
      PackFloats<uint32_t>(data.data(), matrix, taps, panel, out);
    } else if (matrix.type == TensorType::kF16) {
      PackFloats<uint16_t>(data.data(), matrix, taps, panel, out);
    } else {
      PackBlocks(data.data(), matrix, panel, out);
    }
  }
}

}  // namespace rules_inference::infer
