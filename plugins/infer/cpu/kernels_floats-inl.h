// Products of floats. Part of kernels.cc, for each target.

// Included once for each target, as Highway has it.
#if defined(RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_FLOATS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_FLOATS_INL_H_
#undef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_FLOATS_INL_H_
#else
#define RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_FLOATS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "plugins/infer/cpu/kernels_vectors-inl.h"
#include "plugins/infer/cpu/packed_matrix.h"
#include "plugins/infer/tensor_type.h"

HWY_BEFORE_NAMESPACE();
namespace rules_inference::infer::HWY_NAMESPACE {

template <size_t kR, size_t kP>
HWY_INLINE void MultiplyTile(const float* HWY_RESTRICT a, size_t a_stride,
                             const float* HWY_RESTRICT b, size_t inputs, bool fresh,
                             float* HWY_RESTRICT c, size_t c_stride) {
  constexpr size_t kV = kP * kVectors;
  VF sums[kR][kV];
  INFER_UNROLL
  for (size_t r = 0; r < kR; ++r) {
    INFER_UNROLL
    for (size_t v = 0; v < kV; ++v) {
      sums[r][v] = fresh ? hn::Zero(f) : hn::LoadU(f, c + r * c_stride + v * kLanes);
    }
  }
  const size_t panel = inputs * kPanel;
  for (size_t k = 0; k < inputs; ++k) {
    VF weights[kV];
    INFER_UNROLL
    for (size_t v = 0; v < kV; ++v) {
      weights[v] = hn::LoadU(f, b + v / kVectors * panel + k * kPanel + v % kVectors * kLanes);
    }
    INFER_UNROLL
    for (size_t r = 0; r < kR; ++r) {
      const VF x = hn::Set(f, a[r * a_stride + k]);
      INFER_UNROLL
      for (size_t v = 0; v < kV; ++v) sums[r][v] = hn::MulAdd(x, weights[v], sums[r][v]);
    }
  }
  INFER_UNROLL
  for (size_t r = 0; r < kR; ++r) {
    INFER_UNROLL
    for (size_t v = 0; v < kV; ++v) hn::StoreU(sums[r][v], f, c + r * c_stride + v * kLanes);
  }
}

template <size_t kP>
void MultiplyPanels(const float* a, size_t a_stride, size_t rows, const float* b, size_t inputs,
                    bool fresh, float* c, size_t c_stride) {
  size_t r = 0;
  const auto tiles = [&](auto count) HWY_ATTR {
    constexpr size_t kR = decltype(count)::value;
    for (; r + kR <= rows; r += kR) {
      MultiplyTile<kR, kP>(a + r * a_stride, a_stride, b, inputs, fresh, c + r * c_stride,
                           c_stride);
    }
  };
  tiles(std::integral_constant<size_t, kRows>());
  if constexpr (kRows > 4) tiles(std::integral_constant<size_t, 4>());
  if constexpr (kRows > 2) tiles(std::integral_constant<size_t, 2>());
  tiles(std::integral_constant<size_t, 1>());
}

void Multiply(const float* a, size_t a_stride, size_t rows, const float* b, size_t panels,
              size_t inputs, bool fresh, float* c, size_t c_stride) {
  size_t p = 0;
  for (; p + kPanels <= panels; p += kPanels) {
    MultiplyPanels<kPanels>(a, a_stride, rows, b + p * inputs * kPanel, inputs, fresh,
                            c + p * kPanel, c_stride);
  }
  for (; p < panels; ++p) {
    MultiplyPanels<1>(a, a_stride, rows, b + p * inputs * kPanel, inputs, fresh, c + p * kPanel,
                      c_stride);
  }
}

// Stores the outputs of a panel that exist.
HWY_INLINE void StorePanel(const VF* sums, size_t outputs, float* out) {
  if (outputs >= kPanel) {
    INFER_UNROLL
    for (size_t v = 0; v < kVectors; ++v) hn::StoreU(sums[v], f, out + v * kLanes);
    return;
  }
  HWY_ALIGN float all[kPanel];
  for (size_t v = 0; v < kVectors; ++v) hn::Store(sums[v], f, all + v * kLanes);
  std::memcpy(out, all, outputs * sizeof(float));
}

template <bool kHalf, size_t kR, size_t kP>
HWY_INLINE void DotTile(const PackedMatrix& matrix, size_t panel, const float* x, size_t x_stride,
                        float* out, size_t out_stride) {
  constexpr size_t kV = kP * kVectors;
  constexpr size_t kSize = kHalf ? 2 : 4;
  // How far ahead memory is asked for: a few hundred cycles.
  constexpr size_t kAhead = 1024;
  VF sums[kR][kV];
  INFER_UNROLL
  for (size_t r = 0; r < kR; ++r) {
    INFER_UNROLL
    for (size_t v = 0; v < kV; ++v) sums[r][v] = hn::Zero(f);
  }
  const char* from = matrix.panel(panel);
  const size_t panel_bytes = matrix.panel_bytes();
  for (size_t k = 0; k < matrix.inputs; ++k) {
    VF weights[kV];
    INFER_UNROLL
    for (size_t v = 0; v < kV; ++v) {
      const char* at =
          from + v / kVectors * panel_bytes + (k * kPanel + v % kVectors * kLanes) * kSize;
      if (v % kVectors == 0) hwy::Prefetch(at + kAhead);
      if constexpr (kHalf) {
        weights[v] = FromHalf(reinterpret_cast<const uint16_t*>(at));
      } else {
        weights[v] = hn::LoadU(f, reinterpret_cast<const float*>(at));
      }
    }
    INFER_UNROLL
    for (size_t r = 0; r < kR; ++r) {
      const VF value = hn::Set(f, x[r * x_stride + k]);
      INFER_UNROLL
      for (size_t v = 0; v < kV; ++v) sums[r][v] = hn::MulAdd(value, weights[v], sums[r][v]);
    }
  }
  for (size_t r = 0; r < kR; ++r) {
    for (size_t p = 0; p < kP; ++p) {
      StorePanel(sums[r] + p * kVectors, matrix.outputs - (panel + p) * kPanel,
                 out + r * out_stride + p * kPanel);
    }
  }
}

template <bool kHalf>
void DotPanels(const PackedMatrix& matrix, size_t begin, size_t end, const float* x,
               size_t x_stride, size_t rows, float* out, size_t out_stride) {
  // Panels at once, so that there are chains enough to hide latency, and registers enough.
  constexpr size_t kWide = kVectors >= 4 ? 2 : 4;
  size_t p = begin;
  const auto tiles = [&](auto panels) HWY_ATTR {
    constexpr size_t kP = decltype(panels)::value;
    for (; p + kP <= end; p += kP) {
      size_t r = 0;
      float* to = out + (p - begin) * kPanel;
      if constexpr (kP == 1) {
        for (; r + 4 <= rows; r += 4) {
          DotTile<kHalf, 4, 1>(matrix, p, x + r * x_stride, x_stride, to + r * out_stride,
                               out_stride);
        }
      }
      for (; r < rows; ++r) {
        DotTile<kHalf, 1, kP>(matrix, p, x + r * x_stride, x_stride, to + r * out_stride,
                              out_stride);
      }
    }
  };
  if (rows < 3) tiles(std::integral_constant<size_t, kWide>());
  tiles(std::integral_constant<size_t, 1>());
}

void Dot(const PackedMatrix& matrix, size_t begin, size_t end, const float* x, size_t x_stride,
         size_t rows, float* out, size_t out_stride) {
  if (matrix.type == TensorType::kF16) {
    DotPanels<true>(matrix, begin, end, x, x_stride, rows, out, out_stride);
  } else {
    DotPanels<false>(matrix, begin, end, x, x_stride, rows, out, out_stride);
  }
}

}  // namespace rules_inference::infer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // Toggled with each target.
