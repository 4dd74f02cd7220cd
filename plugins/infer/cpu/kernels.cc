// Problem: products of matrices with activations are nearly all of the time. Some have 1500 rows of
// activations and are bound by arithmetic, some have one row and are bound by how fast the matrix
// comes from memory. All must give the same bits for a row whatever its neighbours are.
//
// Idea: outputs lie in lanes (packed_matrix.h), so that nothing is ever summed across lanes, and
// each output is one chain of fused multiply-adds over the inputs in their order. A kernel keeps as
// many chains in registers as there are: 12 rows by 32 outputs with AVX-512, 6 by 16 with AVX2.
// With one row it takes four panels at once, to have chains enough to hide the latency of an
// addition.
//
// Quantized matrices are multiplied as they are: activations become whole numbers of three digits
// (kernels.h), and products of bytes are summed exactly, 64 at a time where there is VNNI. Whole
// numbers have no order to keep. Only once for 32 inputs is there a rounding, in the order of
// blocks.
//
// Invariant: what is computed for a row, and in which order, does not depend on how many rows,
// panels or threads there are.
//
// Cost: products of floats run at 80 % of what the multipliers can do. Of quantized matrices a row
// costs 9 instructions for 64 products of 5 bits.

// The kernels are in headers of one kind each, of which this file makes one unit: a unit for each
// would read Highway once more for each target.

#include <cstdint>
#include <vector>

// Compiled once for each target, with HWY_NAMESPACE being another name each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/infer/cpu/kernels.cc"
// Vectors here live in arrays, so their size has to be known. What the others add to these would
// not pay for another copy of all kernels. Bit 3 is AVX10.2, which older versions of highway have
// no name for.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS                                                               \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3 | HWY_NEON_BF16 | \
   HWY_AVX3_ZEN4 | HWY_AVX3_SPR | (1LL << 3))
#endif
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"
#include "plugins/infer/cpu/kernels.h"
#include "plugins/infer/cpu/kernels_attention-inl.h"
#include "plugins/infer/cpu/kernels_digits-inl.h"
#include "plugins/infer/cpu/kernels_floats-inl.h"
#include "plugins/infer/cpu/kernels_unpack-inl.h"
#include "plugins/infer/cpu/kernels_values-inl.h"
#include "plugins/infer/cpu/kernels_vectors-inl.h"

#ifndef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_NAMES_
#define RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_NAMES_

namespace rules_inference::infer {

// As CpuOptions have it; of one of highway's targets.
constexpr absl::string_view NameOf(int64_t target) {
  return (target & HWY_ALL_NEON) != 0 ? "neon"
         : target == HWY_AVX3_DL      ? "avx512vnni"
         : target == HWY_AVX3         ? "avx512"
         : target == HWY_AVX2         ? "avx2"
         : target == HWY_SSE4         ? "sse4"
         : target == HWY_SSE2         ? "sse2"
                                      : "portable";
}

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_NAMES_

HWY_BEFORE_NAMESPACE();
namespace rules_inference::infer::HWY_NAMESPACE {

constexpr absl::string_view Title() {
#if HWY_TARGET_IS_NEON
  return "NEON";
#else
  return HWY_TARGET == HWY_AVX3_DL ? "AVX-512 VNNI"
         : HWY_TARGET == HWY_AVX3  ? "AVX-512"
         : HWY_TARGET == HWY_AVX2  ? "AVX2"
         : HWY_TARGET == HWY_SSE4  ? "SSE4"
         : HWY_TARGET == HWY_SSE2  ? "SSE2"
                                   : "portable code";
#endif
}

const Kernels* Table() {
  static constexpr Kernels kKernels = {
      .name = NameOf(HWY_TARGET),
      .title = Title(),
      .unpack = Unpack,
      .multiply = Multiply,
      .dot = Dot,
      .to_digits = ToDigits,
      .dot_digits = DotDigits,
      .finish = FinishAll,
      .add = AddAll,
      .normalize = Normalize,
      .exponentials = Exponentials,
      .multiply_all = MultiplyAll,
      .transpose = Transpose,
      .split = Split,
      .self_scores = SelfScores,
      .self_mix = SelfMix,
      .cross_scores = CrossScores,
      .cross_mix = CrossMix,
      .to_fixed = ToFixed,
  };
  return &kKernels;
}

}  // namespace rules_inference::infer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rules_inference::infer {
namespace {

HWY_EXPORT(Table);

}  // namespace

const std::vector<const Kernels*>& AllKernels() {
  static const auto* const kAll = [] {
    auto* all = new std::vector<const Kernels*>();
    // Lower bits are better targets. Highway chooses among those that it is told are supported.
    const int64_t supported = hwy::SupportedTargets() & HWY_TARGETS;
    for (int64_t left = supported; left != 0; left &= left - 1) {
      hwy::GetChosenTarget().Update(left);
      const Kernels* kernels = HWY_DYNAMIC_DISPATCH(Table)();
      // NEON with and without instructions for ciphers is the same to us.
      if (all->empty() || all->back()->name != kernels->name) all->push_back(kernels);
    }
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    return all;
  }();
  return *kAll;
}

std::vector<absl::string_view> CompiledKernels() {
  std::vector<absl::string_view> names;
  for (int64_t left = HWY_TARGETS; left != 0; left &= left - 1) {
    const absl::string_view name = NameOf(left & -left);
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  return names;
}

}  // namespace rules_inference::infer
#endif  // HWY_ONCE
