#include "plugins/infer/tensor_type.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace rules_inference::infer {
namespace {

constexpr size_t kBlock = 32;
constexpr size_t kHalfBlock = kBlock / 2;
constexpr uint16_t kHalfExponent = 0x7c00;

constexpr std::array<TensorTypeInfo, 7> kTypes = {{
    {TensorType::kF32, "f32", 0, 0, 1, 4},
    {TensorType::kF16, "f16", 1, 1, 1, 2},
    {TensorType::kQ4_0, "q4_0", 2, 2, kBlock, 18},
    {TensorType::kQ4_1, "q4_1", 3, 3, kBlock, 20},
    {TensorType::kQ5_0, "q5_0", 6, 8, kBlock, 22},
    {TensorType::kQ5_1, "q5_1", 7, 9, kBlock, 24},
    {TensorType::kQ8_0, "q8_0", 8, 7, kBlock, 34},
}};

// Files are little-endian, as are all machines that this is built for.
static_assert(std::endian::native == std::endian::little);

template <typename T>
T Load(const char* data) {
  T value;
  std::memcpy(&value, data, sizeof(value));
  return value;
}

template <typename T>
void Store(T value, char* data) {
  std::memcpy(data, &value, sizeof(value));
}

// What the quantized types have in common: element j is `scale * q + minimum`, where q is unsigned
// with `bits` bits, less `bias` (and then there is no minimum in the block).
struct Packing {
  bool has_minimum;
  bool has_fifth_bit;
  int bias;

  size_t fifth() const { return has_minimum ? 4 : 2; }
  size_t nibbles() const { return fifth() + (has_fifth_bit ? 4 : 0); }
};

Packing PackingOf(TensorType type) {
  switch (type) {
    case TensorType::kQ4_0:
      return {false, false, 8};
    case TensorType::kQ4_1:
      return {true, false, 0};
    case TensorType::kQ5_0:
      return {false, true, 16};
    default:
      return {true, true, 0};
  }
}

void UnpackBlock(const Packing& packing, const char* block, float* out) {
  const float scale = HalfToFloat(Load<uint16_t>(block));
  const float minimum = packing.has_minimum ? HalfToFloat(Load<uint16_t>(block + 2)) : 0;
  const uint32_t fifth = packing.has_fifth_bit ? Load<uint32_t>(block + packing.fifth()) : 0;
  for (size_t j = 0; j < kHalfBlock; ++j) {
    const auto byte = static_cast<uint8_t>(block[packing.nibbles() + j]);
    const int low = (byte & 15) | static_cast<int>((fifth >> j & 1) << 4);
    const int high = (byte >> 4) | static_cast<int>((fifth >> (j + kHalfBlock) & 1) << 4);
    out[j] = static_cast<float>(low - packing.bias) * scale + minimum;
    out[j + kHalfBlock] = static_cast<float>(high - packing.bias) * scale + minimum;
  }
}

void PackBlock(const Packing& packing, const float* in, char* block) {
  const int steps = packing.has_fifth_bit ? 31 : 15;
  const float minimum = *std::min_element(in, in + kBlock);
  float scale = 0;
  if (packing.has_minimum) {
    scale = (*std::max_element(in, in + kBlock) - minimum) / static_cast<float>(steps);
    Store(FloatToHalf(minimum), block + 2);
  } else {
    // The value that is farthest from 0 becomes the smallest q: one step more than upwards.
    const float extreme = *std::max_element(
        in, in + kBlock, [](float a, float b) { return std::abs(a) < std::abs(b); });
    scale = extreme / static_cast<float>(-packing.bias);
  }
  Store(FloatToHalf(scale), block);
  const float inverse = scale == 0 ? 0 : 1 / scale;
  const float offset = packing.has_minimum ? -minimum : 0;
  const float shift = static_cast<float>(packing.bias) + 0.5F;
  uint32_t fifth = 0;
  std::array<uint32_t, kBlock> q;
  for (size_t j = 0; j < kBlock; ++j) {
    const float exact = (in[j] + offset) * inverse + shift;
    q[j] = static_cast<uint32_t>(std::clamp(static_cast<int>(exact), 0, steps));
    fifth |= (q[j] >> 4) << j;
  }
  if (packing.has_fifth_bit) Store(fifth, block + packing.fifth());
  for (size_t j = 0; j < kHalfBlock; ++j) {
    block[packing.nibbles() + j] =
        static_cast<char>(static_cast<uint8_t>((q[j] & 15) | (q[j + kHalfBlock] & 15) << 4));
  }
}

bool HalfIsFinite(uint16_t half) { return (half & kHalfExponent) != kHalfExponent; }

}  // namespace

absl::Span<const TensorTypeInfo> TensorTypes() { return kTypes; }

const TensorTypeInfo& InfoOf(TensorType type) { return kTypes[static_cast<size_t>(type)]; }

std::optional<TensorType> TensorTypeOf(uint32_t id) {
  for (const TensorTypeInfo& info : kTypes) {
    if (info.id == id) return info.type;
  }
  return std::nullopt;
}

std::optional<TensorType> TensorTypeOf(absl::string_view name) {
  for (const TensorTypeInfo& info : kTypes) {
    if (info.name == name) return info.type;
  }
  return std::nullopt;
}

size_t BytesOf(TensorType type, size_t elements) {
  const TensorTypeInfo& info = InfoOf(type);
  return elements / info.block * info.bytes;
}

float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 0x1f;
  const uint32_t fraction = half & 0x3ff;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t wide = exponent == 0x1f ? 0xff : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

uint16_t FloatToHalf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | kHalfExponent | 0x200);
  // Half way between the largest half and the next power of two, and more.
  if (magnitude >= 0x477ff000) return static_cast<uint16_t>(sign | kHalfExponent);
  if (magnitude < 0x38800000) {
    // Below the smallest normal half: a multiple of 2^-24, rounded as the processor does.
    const float scaled = std::bit_cast<float>(magnitude) * 16777216.0F;
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(scaled)));
  }
  const uint32_t odd = magnitude >> 13 & 1;
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000 + 0xfff + odd) >> 13));
}

void Dequantize(TensorType type, absl::Span<const char> data, absl::Span<float> out) {
  const TensorTypeInfo& info = InfoOf(type);
  switch (type) {
    case TensorType::kF32:
      std::memcpy(out.data(), data.data(), out.size() * sizeof(float));
      return;
    case TensorType::kF16:
      for (size_t i = 0; i < out.size(); ++i) {
        out[i] = HalfToFloat(Load<uint16_t>(data.data() + 2 * i));
      }
      return;
    case TensorType::kQ8_0:
      for (size_t b = 0; b < out.size() / kBlock; ++b) {
        const char* block = data.data() + b * info.bytes;
        const float scale = HalfToFloat(Load<uint16_t>(block));
        for (size_t j = 0; j < kBlock; ++j) {
          out[b * kBlock + j] = static_cast<float>(static_cast<int8_t>(block[2 + j])) * scale;
        }
      }
      return;
    default:
      for (size_t b = 0; b < out.size() / kBlock; ++b) {
        UnpackBlock(PackingOf(type), data.data() + b * info.bytes, out.data() + b * kBlock);
      }
  }
}

void Quantize(TensorType type, absl::Span<const float> in, absl::Span<char> out) {
  const TensorTypeInfo& info = InfoOf(type);
  switch (type) {
    case TensorType::kF32:
      std::memcpy(out.data(), in.data(), in.size() * sizeof(float));
      return;
    case TensorType::kF16:
      for (size_t i = 0; i < in.size(); ++i) Store(FloatToHalf(in[i]), out.data() + 2 * i);
      return;
    case TensorType::kQ8_0:
      for (size_t b = 0; b < in.size() / kBlock; ++b) {
        const float* values = in.data() + b * kBlock;
        char* block = out.data() + b * info.bytes;
        float largest = 0;
        for (size_t j = 0; j < kBlock; ++j) largest = std::max(largest, std::abs(values[j]));
        const float scale = largest / 127;
        const float inverse = scale == 0 ? 0 : 1 / scale;
        Store(FloatToHalf(scale), block);
        for (size_t j = 0; j < kBlock; ++j) {
          block[2 + j] = static_cast<char>(static_cast<int8_t>(std::round(values[j] * inverse)));
        }
      }
      return;
    default:
      for (size_t b = 0; b < in.size() / kBlock; ++b) {
        PackBlock(PackingOf(type), in.data() + b * kBlock, out.data() + b * info.bytes);
      }
  }
}

bool IsFinite(TensorType type, absl::Span<const char> data) {
  const TensorTypeInfo& info = InfoOf(type);
  // Without a branch for each value: a model has a billion of them.
  bool finite = true;
  if (type == TensorType::kF32) {
    for (size_t i = 0; i + 4 <= data.size(); i += 4) {
      finite &= (Load<uint32_t>(data.data() + i) & 0x7f800000) != 0x7f800000;
    }
    return finite;
  }
  const bool has_minimum = type == TensorType::kQ4_1 || type == TensorType::kQ5_1;
  for (size_t i = 0; i + info.bytes <= data.size(); i += info.bytes) {
    finite &= HalfIsFinite(Load<uint16_t>(data.data() + i));
    if (has_minimum) finite &= HalfIsFinite(Load<uint16_t>(data.data() + i + 2));
  }
  return finite;
}

}  // namespace rules_inference::infer
