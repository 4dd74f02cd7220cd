// Functions of single values, and of rows of them. Part of kernels.cc, for each target.

// Included once for each target, as Highway has it.
#if defined(RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_VALUES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_VALUES_INL_H_
#undef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_VALUES_INL_H_
#else
#define RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_VALUES_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "plugins/infer/cpu/kernels.h"
#include "plugins/infer/cpu/kernels_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rules_inference::infer::HWY_NAMESPACE {

// e to the power of x <= 0, to 2 units in the last place; 0 below -87.
HWY_INLINE VF Exp(VF x) {
  const VF low = hn::Set(f, -87.0F);
  const auto tiny = hn::Lt(x, low);
  x = hn::Max(x, low);
  const VI32 power = hn::NearestInt(hn::Mul(x, hn::Set(f, 1.44269504F)));
  const VF whole = hn::ConvertTo(f, power);
  // ln 2 in two parts, so that the difference is exact.
  x = hn::NegMulAdd(whole, hn::Set(f, 0.693359375F), x);
  x = hn::NegMulAdd(whole, hn::Set(f, -2.12194440e-4F), x);
  // The series of Taylor is enough for |x| <= ln(2) / 2.
  VF sum = hn::Set(f, 1.0F / 5040);
  sum = hn::MulAdd(sum, x, hn::Set(f, 1.0F / 720));
  sum = hn::MulAdd(sum, x, hn::Set(f, 1.0F / 120));
  sum = hn::MulAdd(sum, x, hn::Set(f, 1.0F / 24));
  sum = hn::MulAdd(sum, x, hn::Set(f, 1.0F / 6));
  sum = hn::MulAdd(sum, x, hn::Set(f, 0.5F));
  sum = hn::MulAdd(sum, x, hn::Set(f, 1.0F));
  sum = hn::MulAdd(sum, x, hn::Set(f, 1.0F));
  const VF scale = hn::BitCast(f, hn::ShiftLeft<23>(hn::Add(power, hn::Set(i32, 127))));
  return hn::IfThenZeroElse(tiny, hn::Mul(sum, scale));
}

// x/2 (1 + erf(x / sqrt 2)) = max(x, 0) - |x|/2 erfc(|x| / sqrt 2), and erfc(z) = e^(-z z) times a
// polynomial in 1 / (1 + p z), to 1.5e-7 (Abramowitz and Stegun, 7.1.26).
HWY_INLINE VF Gelu(VF x) {
  const VF size = hn::Abs(x);
  const VF z = hn::Mul(size, hn::Set(f, 0.70710678F));
  const VF one = hn::Set(f, 1.0F);
  const VF t = hn::Div(one, hn::MulAdd(z, hn::Set(f, 0.3275911F), one));
  VF sum = hn::Set(f, 1.061405429F);
  sum = hn::MulAdd(sum, t, hn::Set(f, -1.453152027F));
  sum = hn::MulAdd(sum, t, hn::Set(f, 1.421413741F));
  sum = hn::MulAdd(sum, t, hn::Set(f, -0.284496736F));
  sum = hn::MulAdd(sum, t, hn::Set(f, 0.254829592F));
  const VF tail = hn::Mul(hn::Mul(sum, t), Exp(hn::Neg(hn::Mul(z, z))));
  return hn::NegMulAdd(hn::Mul(hn::Set(f, 0.5F), size), tail, hn::Max(x, hn::Zero(f)));
}

// Calls `one(i)` for each vector of `size` values. `size` is a multiple of the panel, as all widths
// of a model are.
template <typename Function>
HWY_INLINE void ForVectors(size_t size, Function one) {
  for (size_t i = 0; i < size; i += kLanes) one(i);
}

void FinishAll(const float* x, const float* bias, size_t size, Finish how, float* out) {
  ForVectors(size, [&](size_t i) HWY_ATTR {
    VF value = hn::LoadU(f, x + i);
    if (bias != nullptr) value = hn::Add(value, hn::LoadU(f, bias + i));
    if (how == Finish::kGelu) value = Gelu(value);
    if (how == Finish::kAdd) value = hn::Add(value, hn::LoadU(f, out + i));
    hn::StoreU(value, f, out + i);
  });
}

void AddAll(const float* x, const float* y, size_t size, float* out) {
  ForVectors(size, [&](size_t i) HWY_ATTR {
    hn::StoreU(hn::Add(hn::LoadU(f, x + i), hn::LoadU(f, y + i)), f, out + i);
  });
}

void MultiplyAll(float* x, size_t size, float by) {
  size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    hn::StoreU(hn::Mul(hn::LoadU(f, x + i), hn::Set(f, by)), f, x + i);
  }
  for (; i < size; ++i) x[i] *= by;
}

void Normalize(const float* x, const float* weight, const float* bias, size_t size, float* out) {
  VF sum = hn::Zero(f);
  ForVectors(size, [&](size_t i) HWY_ATTR { sum = hn::Add(sum, hn::LoadU(f, x + i)); });
  const float mean = hn::ReduceSum(f, sum) / static_cast<float>(size);
  const VF means = hn::Set(f, mean);
  VF squares = hn::Zero(f);
  ForVectors(size, [&](size_t i) HWY_ATTR {
    const VF off = hn::Sub(hn::LoadU(f, x + i), means);
    squares = hn::MulAdd(off, off, squares);
  });
  const float variance = hn::ReduceSum(f, squares) / static_cast<float>(size);
  const VF scale = hn::Set(f, 1.0F / std::sqrt(variance + 1e-5F));
  ForVectors(size, [&](size_t i) HWY_ATTR {
    const VF off = hn::Mul(hn::Sub(hn::LoadU(f, x + i), means), scale);
    hn::StoreU(hn::MulAdd(off, hn::LoadU(f, weight + i), hn::LoadU(f, bias + i)), f, out + i);
  });
}

float Exponentials(float* x, size_t size, float scale) {
  const size_t whole = size - size % kLanes;
  float largest = x[0];
  if (whole > 0) {
    VF most = hn::LoadU(f, x);
    for (size_t i = kLanes; i < whole; i += kLanes) most = hn::Max(most, hn::LoadU(f, x + i));
    largest = hn::ReduceMax(f, most);
  }
  for (size_t i = whole; i < size; ++i) largest = std::max(largest, x[i]);
  const VF top = hn::Set(f, largest);
  const VF scales = hn::Set(f, scale);
  VF sum = hn::Zero(f);
  for (size_t i = 0; i < whole; i += kLanes) {
    const VF value = Exp(hn::Mul(hn::Sub(hn::LoadU(f, x + i), top), scales));
    hn::StoreU(value, f, x + i);
    sum = hn::Add(sum, value);
  }
  float total = hn::ReduceSum(f, sum);
  if (whole < size) {
    HWY_ALIGN float rest[kLanes] = {};
    std::memcpy(rest, x + whole, (size - whole) * sizeof(float));
    hn::Store(Exp(hn::Mul(hn::Min(hn::Sub(hn::Load(f, rest), top), hn::Zero(f)), scales)), f, rest);
    for (size_t i = whole; i < size; ++i) total += x[i] = rest[i - whole];
  }
  return 1.0F / total;
}

}  // namespace rules_inference::infer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // Toggled with each target.
