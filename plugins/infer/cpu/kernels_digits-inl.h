// Products of whole numbers: quantized matrices with activations of three digits. Part of
// kernels.cc, for each target.

// Included once for each target, as Highway has it.
#if defined(RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_DIGITS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_DIGITS_INL_H_
#undef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_DIGITS_INL_H_
#else
#define RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_DIGITS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "plugins/infer/cpu/kernels.h"
#include "plugins/infer/cpu/kernels_floats-inl.h"
#include "plugins/infer/cpu/kernels_unpack-inl.h"
#include "plugins/infer/cpu/kernels_vectors-inl.h"
#include "plugins/infer/cpu/packed_matrix.h"
#include "plugins/infer/tensor_type.h"

HWY_BEFORE_NAMESPACE();
namespace rules_inference::infer::HWY_NAMESPACE {

// The largest number that three digits can hold with room for their carries.
constexpr float kLargest = 1040000;

void ToDigits(const float* x, size_t size, TensorType type, DigitBlock* out) {
  const int offset = OffsetOf(type);
  const hn::Rebind<int8_t, F> bytes;
  for (size_t b = 0; b < size / kBlock; ++b, x += kBlock, ++out) {
    VF largest = hn::Zero(f);
    for (size_t i = 0; i < kBlock; i += kLanes) {
      largest = hn::Max(largest, hn::Abs(hn::LoadU(f, x + i)));
    }
    const float top = hn::ReduceMax(f, largest);
    // Nothing but zeros, or so little that its reciprocal is infinite.
    const bool nothing = !(top > 1e-30F);
    const float scale = nothing ? 0.0F : top / kLargest;
    const VF up = hn::Set(f, nothing ? 0.0F : kLargest / top);
    VI32 sums[3] = {hn::Zero(i32), hn::Zero(i32), hn::Zero(i32)};
    VI32 total = hn::Zero(i32);
    for (size_t i = 0; i < kBlock; i += kLanes) {
      const VI32 number = hn::NearestInt(hn::Mul(hn::LoadU(f, x + i), up));
      const VI32 high = hn::ShiftRight<14>(hn::Add(number, hn::Set(i32, 1 << 13)));
      const VI32 rest = hn::Sub(number, hn::ShiftLeft<14>(high));
      const VI32 middle = hn::ShiftRight<7>(hn::Add(rest, hn::Set(i32, 1 << 6)));
      const VI32 low = hn::Sub(rest, hn::ShiftLeft<7>(middle));
      hn::StoreU(hn::DemoteTo(bytes, high), bytes, out->digits[0].data() + i);
      hn::StoreU(hn::DemoteTo(bytes, middle), bytes, out->digits[1].data() + i);
      hn::StoreU(hn::DemoteTo(bytes, low), bytes, out->digits[2].data() + i);
      sums[0] = hn::Add(sums[0], high);
      sums[1] = hn::Add(sums[1], middle);
      sums[2] = hn::Add(sums[2], low);
      total = hn::Add(total, number);
    }
    for (size_t digit = 0; digit < 3; ++digit) {
      out->start[digit] = -offset * hn::ReduceSum(i32, sums[digit]);
    }
    out->scale = scale;
    out->sum = static_cast<float>(hn::ReduceSum(i32, total)) * scale;
  }
}

// Sums of products of a block, of one row and one digit. Pairs of products fit into 16 bits, being
// at most 2 * 255 * 64, and of 5 bits those of all steps do: 8 * 2 * 31 * 64.
#if HWY_TARGET <= HWY_AVX3_DL && HWY_ARCH_X86
template <TensorType kType>
using Sum = VI32;

template <TensorType kType>
HWY_INLINE VI32 AddProducts(VU8 numbers, hn::Vec<I8> digits, VI32 sum) {
  return hn::SumOfMulQuadAccumulate(i32, numbers, digits, sum);
}
HWY_INLINE VI32 Total(VI32 sum) { return sum; }
#else
template <TensorType kType>
using Sum = std::conditional_t<kType == TensorType::kQ8_0, VI32, hn::Vec<I16>>;

HWY_INLINE VI32 Total(VI32 sum) { return sum; }
HWY_INLINE VI32 Total(hn::Vec<I16> sum) {
  return hn::WidenMulPairwiseAdd(i32, sum, hn::Set(I16(), int16_t{1}));
}
template <TensorType kType>
HWY_INLINE Sum<kType> AddProducts(VU8 numbers, hn::Vec<I8> digits, Sum<kType> sum) {
  const auto pairs = hn::SatWidenMulPairwiseAdd(I16(), numbers, digits);
  if constexpr (kType == TensorType::kQ8_0) {
    return hn::Add(sum, Total(pairs));
  } else {
    return hn::Add(sum, pairs);
  }
}
#endif

HWY_INLINE hn::Vec<I8> FourDigits(const int8_t* from) {
  int32_t four;
  std::memcpy(&four, from, 4);
  return hn::BitCast(I8(), hn::Set(i32, four));
}

template <TensorType kType, size_t kR, size_t kStep>
HWY_INLINE void DigitStep(const uint8_t* block, size_t v, const DigitBlock* x, size_t x_stride,
                          Sum<kType> (&sums)[kR][3]) {
  const VU8 numbers = Numbers<kType, kStep>(block, v);
  INFER_UNROLL
  for (size_t r = 0; r < kR; ++r) {
    INFER_UNROLL
    for (size_t digit = 0; digit < 3; ++digit) {
      sums[r][digit] = AddProducts<kType>(
          numbers, FourDigits(x[r * x_stride].digits[digit].data() + kStep * 4), sums[r][digit]);
    }
  }
}

template <TensorType kType, size_t kR>
HWY_INLINE void DigitTile(const PackedMatrix& matrix, size_t panel, const DigitBlock* x,
                          size_t x_stride, float* out, size_t out_stride) {
  // How far ahead memory is asked for.
  constexpr size_t kAhead = 2048;
  const auto* block = reinterpret_cast<const uint8_t*>(matrix.panel(panel));
  VF totals[kR][kVectors];
  INFER_UNROLL
  for (size_t r = 0; r < kR; ++r) {
    INFER_UNROLL
    for (size_t v = 0; v < kVectors; ++v) totals[r][v] = hn::Zero(f);
  }
  for (size_t b = 0; b < matrix.inputs / kBlock; ++b, block += BlockBytes(kType), ++x) {
    for (size_t i = 0; i < BlockBytes(kType); i += 64) hwy::Prefetch(block + kAhead + i);
    const uint16_t* scales = Scales<kType>(block);
    INFER_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      Sum<kType> sums[kR][3];
      INFER_UNROLL
      for (size_t r = 0; r < kR; ++r) {
        INFER_UNROLL
        for (size_t d = 0; d < 3; ++d) sums[r][d] = hn::Zero(hn::DFromV<Sum<kType>>());
      }
      DigitStep<kType, kR, 0>(block, v, x, x_stride, sums);
      DigitStep<kType, kR, 1>(block, v, x, x_stride, sums);
      DigitStep<kType, kR, 2>(block, v, x, x_stride, sums);
      DigitStep<kType, kR, 3>(block, v, x, x_stride, sums);
      DigitStep<kType, kR, 4>(block, v, x, x_stride, sums);
      DigitStep<kType, kR, 5>(block, v, x, x_stride, sums);
      DigitStep<kType, kR, 6>(block, v, x, x_stride, sums);
      DigitStep<kType, kR, 7>(block, v, x, x_stride, sums);
      const VF scale = FromHalf(scales + v * kLanes);
      INFER_UNROLL
      for (size_t r = 0; r < kR; ++r) {
        const DigitBlock& row = x[r * x_stride];
        const VI32 high = hn::Add(Total(sums[r][0]), hn::Set(i32, row.start[0]));
        const VI32 middle = hn::Add(Total(sums[r][1]), hn::Set(i32, row.start[1]));
        const VI32 low = hn::Add(Total(sums[r][2]), hn::Set(i32, row.start[2]));
        const VF sum = hn::MulAdd(hn::ConvertTo(f, high), hn::Set(f, 16384.0F),
                                  hn::ConvertTo(f, hn::Add(hn::ShiftLeft<7>(middle), low)));
        totals[r][v] = hn::MulAdd(hn::Mul(sum, hn::Set(f, row.scale)), scale, totals[r][v]);
        if constexpr (HasMinimum(kType)) {
          totals[r][v] =
              hn::MulAdd(hn::Set(f, row.sum), FromHalf(scales + kPanel + v * kLanes), totals[r][v]);
        }
      }
    }
  }
  for (size_t r = 0; r < kR; ++r) {
    StorePanel(totals[r], matrix.outputs - panel * kPanel, out + r * out_stride);
  }
}

template <TensorType kType>
void DotDigitPanels(const PackedMatrix& matrix, size_t begin, size_t end, const DigitBlock* x,
                    size_t x_stride, size_t rows, float* out, size_t out_stride) {
  for (size_t p = begin; p < end; ++p, out += kPanel) {
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) {
      DigitTile<kType, 4>(matrix, p, x + r * x_stride, x_stride, out + r * out_stride, out_stride);
    }
    for (; r < rows; ++r) {
      DigitTile<kType, 1>(matrix, p, x + r * x_stride, x_stride, out + r * out_stride, out_stride);
    }
  }
}

void DotDigits(const PackedMatrix& matrix, size_t begin, size_t end, const DigitBlock* x,
               size_t x_stride, size_t rows, float* out, size_t out_stride) {
  const auto run = [&](auto function) {
    function(matrix, begin, end, x, x_stride, rows, out, out_stride);
  };
  switch (matrix.type) {
    case TensorType::kQ4_0:
      return run(DotDigitPanels<TensorType::kQ4_0>);
    case TensorType::kQ4_1:
      return run(DotDigitPanels<TensorType::kQ4_1>);
    case TensorType::kQ5_0:
      return run(DotDigitPanels<TensorType::kQ5_0>);
    case TensorType::kQ5_1:
      return run(DotDigitPanels<TensorType::kQ5_1>);
    case TensorType::kQ8_0:
      return run(DotDigitPanels<TensorType::kQ8_0>);
    default:
      return;
  }
}

}  // namespace rules_inference::infer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // Toggled with each target.
