// Vectors, and how many of them a kernel keeps. Part of kernels.cc, for each target.

// Included once for each target, as Highway has it.
#if defined(RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_VECTORS_INL_H_
#undef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_VECTORS_INL_H_
#else
#define RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_VECTORS_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "plugins/infer/cpu/packed_matrix.h"

// For loops whose count is known: their arrays become registers.
#ifndef INFER_UNROLL
#if defined(__clang__)
#define INFER_UNROLL _Pragma("clang loop unroll(full)")
#else
#define INFER_UNROLL _Pragma("GCC unroll 16")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace rules_inference::infer::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using I32 = hn::ScalableTag<int32_t>;
using I16 = hn::ScalableTag<int16_t>;
using U16 = hn::ScalableTag<uint16_t>;
using U8 = hn::ScalableTag<uint8_t>;
using I8 = hn::ScalableTag<int8_t>;
using VF = hn::Vec<F>;
using VI32 = hn::Vec<I32>;
using VU8 = hn::Vec<U8>;

inline constexpr F f;
inline constexpr I32 i32;
inline constexpr U8 u8;

constexpr size_t kLanes = hn::MaxLanes(F());
static_assert(kPanel % kLanes == 0);
// Vectors of a panel; bytes of a vector.
constexpr size_t kVectors = kPanel / kLanes;
constexpr size_t kBytes = kLanes * 4;
constexpr size_t kHead = 64;

#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
constexpr size_t kRows = 12;
constexpr size_t kPanels = 2;
#elif HWY_TARGET_IS_NEON
constexpr size_t kRows = 6;
constexpr size_t kPanels = 1;
#elif HWY_TARGET == HWY_AVX2
constexpr size_t kRows = 6;
constexpr size_t kPanels = 1;
#else
constexpr size_t kRows = 3;
constexpr size_t kPanels = 1;
#endif

HWY_INLINE VF FromHalf(const uint16_t* from) {
  const hn::Rebind<hwy::float16_t, F> half;
  return hn::PromoteTo(f, hn::BitCast(half, hn::LoadU(hn::Rebind<uint16_t, F>(), from)));
}

HWY_INLINE VF FromFixed(const int16_t* from) {
  return hn::ConvertTo(f, hn::PromoteTo(i32, hn::LoadU(hn::Rebind<int16_t, F>(), from)));
}

}  // namespace rules_inference::infer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // Toggled with each target.
