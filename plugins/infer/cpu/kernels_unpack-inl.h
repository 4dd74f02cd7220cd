// Quantized blocks: numbers of a panel, and panels as floats. Part of kernels.cc, for each target.

// Included once for each target, as Highway has it.
#if defined(RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_UNPACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_UNPACK_INL_H_
#undef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_UNPACK_INL_H_
#else
#define RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_UNPACK_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "plugins/infer/cpu/kernels_vectors-inl.h"
#include "plugins/infer/cpu/packed_matrix.h"
#include "plugins/infer/tensor_type.h"

HWY_BEFORE_NAMESPACE();
namespace rules_inference::infer::HWY_NAMESPACE {

constexpr size_t BlockBytes(TensorType type) {
  return kPanel * (type == TensorType::kQ4_0   ? 18
                   : type == TensorType::kQ4_1 ? 20
                   : type == TensorType::kQ5_0 ? 22
                   : type == TensorType::kQ5_1 ? 24
                                               : 34);
}
constexpr bool HasMinimum(TensorType type) {
  return type == TensorType::kQ4_1 || type == TensorType::kQ5_1;
}
constexpr bool HasFifthBit(TensorType type) {
  return type == TensorType::kQ5_0 || type == TensorType::kQ5_1;
}
// What is taken off the numbers.
constexpr int OffsetOf(TensorType type) {
  return type == TensorType::kQ4_0   ? 8
         : type == TensorType::kQ5_0 ? 16
         : type == TensorType::kQ8_0 ? 128
                                     : 0;
}

// The numbers of step `kStep` of a block, for the outputs of vector `v`.
template <TensorType kType, size_t kStep>
HWY_INLINE VU8 Numbers(const uint8_t* block, size_t v) {
  const U16 u16;
  if constexpr (kType == TensorType::kQ8_0) {
    return hn::LoadU(u8, block + kStep * 64 + v * kBytes);
  } else {
    VU8 low = hn::LoadU(u8, block + kStep % 4 * 64 + v * kBytes);
    if constexpr (kStep >= 4) low = hn::BitCast(u8, hn::ShiftRight<4>(hn::BitCast(u16, low)));
    low = hn::And(low, hn::Set(u8, uint8_t{15}));
    if constexpr (HasFifthBit(kType)) {
      const auto bits = hn::BitCast(u16, hn::LoadU(u8, block + 256 + v * kBytes));
      VU8 high;
      if constexpr (kStep <= 4) {
        high = hn::BitCast(u8, hn::ShiftLeft<static_cast<int>(4 - HWY_MIN(kStep, 4))>(bits));
      } else {
        high = hn::BitCast(u8, hn::ShiftRight<static_cast<int>(HWY_MAX(kStep, 5) - 4)>(bits));
      }
      return hn::Or(low, hn::And(high, hn::Set(u8, uint8_t{16})));
    } else {
      return low;
    }
  }
}

template <TensorType kType>
HWY_INLINE const uint16_t* Scales(const uint8_t* block) {
  constexpr size_t kAt = kType == TensorType::kQ8_0 ? 512 : HasFifthBit(kType) ? 320 : 256;
  return reinterpret_cast<const uint16_t*>(block + kAt);
}

template <TensorType kType, size_t kStep>
HWY_INLINE void UnpackStep(const uint8_t* block, size_t v, VF scale, VF minimum, float* out) {
  const auto numbers = hn::BitCast(i32, Numbers<kType, kStep>(block, v));
  const auto byte = hn::Set(i32, 255);
  const auto store = [&](VI32 number, size_t j) HWY_ATTR {
    hn::StoreU(hn::MulAdd(hn::ConvertTo(f, number), scale, minimum), f,
               out + (kStep * 4 + j) * kPanel + v * kLanes);
  };
  store(hn::And(numbers, byte), 0);
  store(hn::And(hn::ShiftRight<8>(numbers), byte), 1);
  store(hn::And(hn::ShiftRight<16>(numbers), byte), 2);
  store(hn::And(hn::ShiftRight<24>(numbers), byte), 3);
}

template <TensorType kType>
void UnpackBlocks(const char* panel, size_t begin, size_t end, float* out) {
  const auto* block = reinterpret_cast<const uint8_t*>(panel) + begin * BlockBytes(kType);
  for (size_t b = begin; b < end; ++b, block += BlockBytes(kType), out += kBlock * kPanel) {
    const uint16_t* scales = Scales<kType>(block);
    for (size_t v = 0; v < kVectors; ++v) {
      const VF scale = FromHalf(scales + v * kLanes);
      const VF minimum = HasMinimum(kType)
                             ? FromHalf(scales + kPanel + v * kLanes)
                             : hn::Mul(scale, hn::Set(f, -static_cast<float>(OffsetOf(kType))));
      UnpackStep<kType, 0>(block, v, scale, minimum, out);
      UnpackStep<kType, 1>(block, v, scale, minimum, out);
      UnpackStep<kType, 2>(block, v, scale, minimum, out);
      UnpackStep<kType, 3>(block, v, scale, minimum, out);
      UnpackStep<kType, 4>(block, v, scale, minimum, out);
      UnpackStep<kType, 5>(block, v, scale, minimum, out);
      UnpackStep<kType, 6>(block, v, scale, minimum, out);
      UnpackStep<kType, 7>(block, v, scale, minimum, out);
    }
  }
}

void Unpack(const PackedMatrix& matrix, size_t panel, size_t begin, size_t end, float* out) {
  const char* from = matrix.panel(panel);
  const size_t values = (end - begin) * kPanel;
  switch (matrix.type) {
    case TensorType::kF32:
      std::memcpy(out, from + begin * kPanel * sizeof(float), values * sizeof(float));
      return;
    case TensorType::kF16: {
      const auto* half = reinterpret_cast<const uint16_t*>(from) + begin * kPanel;
      for (size_t i = 0; i < values; i += kLanes) hn::StoreU(FromHalf(half + i), f, out + i);
      return;
    }
    case TensorType::kQ4_0:
      return UnpackBlocks<TensorType::kQ4_0>(from, begin / kBlock, end / kBlock, out);
    case TensorType::kQ4_1:
      return UnpackBlocks<TensorType::kQ4_1>(from, begin / kBlock, end / kBlock, out);
    case TensorType::kQ5_0:
      return UnpackBlocks<TensorType::kQ5_0>(from, begin / kBlock, end / kBlock, out);
    case TensorType::kQ5_1:
      return UnpackBlocks<TensorType::kQ5_1>(from, begin / kBlock, end / kBlock, out);
    case TensorType::kQ8_0:
      return UnpackBlocks<TensorType::kQ8_0>(from, begin / kBlock, end / kBlock, out);
  }
}

}  // namespace rules_inference::infer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // Toggled with each target.
