// How kernels read weights (kernel_args.h). Both ways give what Dequantize of tensor_type.h gives.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_WEIGHT_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_WEIGHT_H_

#include <cstdint>

#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/portable.h"

namespace rules_inference::infer::cuda {

RI_DEVICE constexpr bool HasFifth(WeightType type) {
  return type == WeightType::kQ5_0 || type == WeightType::kQ5_1;
}
RI_DEVICE constexpr bool HasMinimum(WeightType type) {
  return type == WeightType::kQ4_1 || type == WeightType::kQ5_1;
}
// Two weights to a byte: those of the first half of a block are in the low bits.
RI_DEVICE constexpr bool HasNibbles(WeightType type) {
  return type != WeightType::kF16 && type != WeightType::kQ8_0;
}
RI_DEVICE constexpr int Bias(WeightType type) {
  return type == WeightType::kQ4_0 ? 8 : type == WeightType::kQ5_0 ? 16 : 0;
}

struct Scale {
  float scale = 0;
  float minimum = 0;
};

template <WeightType kType>
RI_DEVICE Scale LoadScale(const Weight& weight, int64_t block) {
  if constexpr (HasMinimum(kType)) {
    const uint32_t pair = reinterpret_cast<const uint32_t*>(weight.scales)[block];
    return {LowHalf(pair), HighHalf(pair)};
  } else {
    return {ToFloat(weight.scales[block]), 0};
  }
}

// Eight weights from four bytes of nibbles: of the low bits in out[0..3], of the high in out[4..7].
// Bit i of `low_fifth` belongs to out[i], bit i of `high_fifth` to out[4 + i].
template <WeightType kType>
RI_DEVICE void UnpackNibbles(uint32_t nibbles, uint32_t low_fifth, uint32_t high_fifth, Scale scale,
                             float* out) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    uint32_t low = nibbles >> (8 * i) & 15;
    uint32_t high = nibbles >> (8 * i + 4) & 15;
    if constexpr (HasFifth(kType)) {
      low |= (low_fifth >> i & 1) << 4;
      high |= (high_fifth >> i & 1) << 4;
    }
    out[i] = static_cast<float>(static_cast<int>(low) - Bias(kType)) * scale.scale + scale.minimum;
    out[4 + i] =
        static_cast<float>(static_cast<int>(high) - Bias(kType)) * scale.scale + scale.minimum;
  }
}

RI_DEVICE void UnpackBytes(uint32_t bytes, float scale, float* out) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    out[i] = static_cast<float>(static_cast<int8_t>(bytes >> (8 * i) & 0xff)) * scale;
  }
}

// A unit is eight weights of a row, four from FirstColumn and four from SecondColumn on: what one
// lane reads at once.
template <WeightType kType>
RI_DEVICE int FirstColumn(int unit) {
  return HasNibbles(kType) ? unit / 4 * kBlock + unit % 4 * 4 : unit * 8;
}
template <WeightType kType>
RI_DEVICE int SecondColumn(int unit) {
  return FirstColumn<kType>(unit) + (HasNibbles(kType) ? kBlock / 2 : 4);
}

template <WeightType kType>
RI_DEVICE void LoadUnit(const Weight& weight, int row, int unit, float* out) {
  const int64_t at = static_cast<int64_t>(row) * (weight.columns / 8) + unit;
  if constexpr (kType == WeightType::kF16) {
    Load8(static_cast<const Half*>(weight.quants) + at * 8, out);
  } else if constexpr (kType == WeightType::kQ8_0) {
    const Word2 bytes = static_cast<const Word2*>(weight.quants)[at];
    const Scale scale = LoadScale<kType>(weight, at / 4);
    UnpackBytes(bytes.x, scale.scale, out);
    UnpackBytes(bytes.y, scale.scale, out + 4);
  } else {
    const uint32_t nibbles = static_cast<const uint32_t*>(weight.quants)[at];
    uint32_t fifth = 0;
    if constexpr (HasFifth(kType)) fifth = weight.fifth[at / 4] >> (unit % 4 * 4);
    UnpackNibbles<kType>(nibbles, fifth, fifth >> 16, LoadScale<kType>(weight, at / 4), out);
  }
}

// Half of a block of a quantized type as it lies in memory, and its 16 weights: eight from `half` *
// 8 and eight from 16 + `half` * 8 on; of q8_0, 16 from `half` * 16 on.
struct HalfBlock {
  Word4 quants;
  uint32_t fifth;
  Scale scale;
};

template <WeightType kType>
RI_DEVICE HalfBlock LoadHalfBlock(const Weight& weight, int64_t block, int half) {
  HalfBlock raw;
  if constexpr (kType == WeightType::kQ8_0) {
    raw.quants = static_cast<const Word4*>(weight.quants)[block * 2 + half];
  } else {
    const Word2 nibbles = static_cast<const Word2*>(weight.quants)[block * 2 + half];
    raw.quants = {nibbles.x, nibbles.y, 0, 0};
  }
  raw.fifth = 0;
  if constexpr (HasFifth(kType)) raw.fifth = weight.fifth[block] >> (half * 8);
  raw.scale = LoadScale<kType>(weight, block);
  return raw;
}

template <WeightType kType>
RI_DEVICE void StoreHalfBlock(const HalfBlock& raw, int half, Half* block) {
  float first[8];
  float second[8];
  if constexpr (kType == WeightType::kQ8_0) {
    UnpackBytes(raw.quants.x, raw.scale.scale, first);
    UnpackBytes(raw.quants.y, raw.scale.scale, first + 4);
    UnpackBytes(raw.quants.z, raw.scale.scale, second);
    UnpackBytes(raw.quants.w, raw.scale.scale, second + 4);
    Store8(first, block + half * 16);
    Store8(second, block + half * 16 + 8);
  } else {
    float eight[8];
    UnpackNibbles<kType>(raw.quants.x, raw.fifth, raw.fifth >> 16, raw.scale, eight);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      first[i] = eight[i];
      second[i] = eight[4 + i];
    }
    UnpackNibbles<kType>(raw.quants.y, raw.fifth >> 4, raw.fifth >> 20, raw.scale, eight);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      first[4 + i] = eight[i];
      second[4 + i] = eight[4 + i];
    }
    Store8(first, block + half * 8);
    Store8(second, block + kBlock / 2 + half * 8);
  }
}

// Where a value of a product goes.
RI_DEVICE void Store(const Epilogue& epilogue, int row, int column, int columns, float value) {
  const int64_t at = static_cast<int64_t>(row) * columns + column;
  if (epilogue.bias != nullptr) value += epilogue.bias[column];
  if (epilogue.gelu != 0) value = Gelu(value);
  if (epilogue.add != nullptr) {
    value += epilogue.add[static_cast<int64_t>(row % epilogue.add_period) * columns + column];
  }
  if (epilogue.out != nullptr) epilogue.out[at] = value;
  if (epilogue.out_half != nullptr) epilogue.out_half[at] = ToHalf(value);
  if (epilogue.out_table != nullptr) {
    epilogue.out_table[row / epilogue.table_rows]
                      [static_cast<int64_t>(row % epilogue.table_rows) * columns + column] =
        ToHalf(value);
  }
}

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_WEIGHT_H_
