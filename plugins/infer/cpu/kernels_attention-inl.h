// Attention, and the layout of keys and values. Part of kernels.cc, for each target.

// Included once for each target, as Highway has it.
#if defined(RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_ATTENTION_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_ATTENTION_INL_H_
#undef RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_ATTENTION_INL_H_
#else
#define RULES_INFERENCE_PLUGINS_INFER_CPU_KERNELS_ATTENTION_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "plugins/infer/cpu/kernels.h"
#include "plugins/infer/cpu/kernels_values-inl.h"
#include "plugins/infer/cpu/kernels_vectors-inl.h"
#include "plugins/infer/cpu/packed_matrix.h"

HWY_BEFORE_NAMESPACE();
namespace rules_inference::infer::HWY_NAMESPACE {

void Transpose(const float* x, size_t stride, size_t count, float* out) {
  for (size_t first = 0; first < count; first += kPanel, out += kHead * kPanel) {
    const size_t lanes = HWY_MIN(kPanel, count - first);
    for (size_t k = 0; k < kHead; k += 4) {
      for (size_t lane = 0; lane < lanes; ++lane) {
        const float* from = x + (first + lane) * stride + k;
        for (size_t i = 0; i < 4; ++i) out[(k + i) * kPanel + lane] = from[i];
      }
      for (size_t lane = lanes; lane < kPanel; ++lane) {
        for (size_t i = 0; i < 4; ++i) out[(k + i) * kPanel + lane] = 0;
      }
    }
  }
}

void Split(const float* x, size_t stride, size_t count, float* out) {
  for (size_t panel = 0; panel < kHead / kPanel; ++panel) {
    for (size_t i = 0; i < count; ++i, out += kPanel) {
      std::memcpy(out, x + i * stride + panel * kPanel, kPanel * sizeof(float));
    }
  }
}

void SelfScores(const float* query, const float* const* cells, size_t offset, size_t count,
                float* scores) {
  for (size_t i = 0; i < count; ++i) {
    VF sum = hn::Zero(f);
    ForVectors(kHead, [&](size_t at) HWY_ATTR {
      sum = hn::MulAdd(hn::LoadU(f, query + at), hn::LoadU(f, cells[i] + offset + at), sum);
    });
    scores[i] = hn::ReduceSum(f, sum);
  }
}

void SelfMix(const float* weights, const float* const* cells, size_t offset, size_t count,
             float* out) {
  constexpr size_t kV = HWY_MIN(kHead / kLanes, 8);
  for (size_t first = 0; first < kHead; first += kV * kLanes) {
    VF sums[kV];
    INFER_UNROLL
    for (size_t v = 0; v < kV; ++v) sums[v] = hn::Zero(f);
    for (size_t i = 0; i < count; ++i) {
      const VF weight = hn::Set(f, weights[i]);
      INFER_UNROLL
      for (size_t v = 0; v < kV; ++v) {
        sums[v] = hn::MulAdd(weight, hn::LoadU(f, cells[i] + offset + first + v * kLanes), sums[v]);
      }
    }
    INFER_UNROLL
    for (size_t v = 0; v < kV; ++v) hn::StoreU(sums[v], f, out + first + v * kLanes);
  }
}

template <size_t kR>
HWY_INLINE void CrossScoreTile(const float* queries, size_t stride, const CrossHead& head,
                               size_t panel, float* scores, size_t score_stride) {
  // Two chains for each output, or latency would be all there is.
  VF sums[kR][2][kVectors];
  INFER_UNROLL
  for (size_t r = 0; r < kR; ++r) {
    INFER_UNROLL
    for (size_t v = 0; v < kVectors; ++v) sums[r][0][v] = sums[r][1][v] = hn::Zero(f);
  }
  const int16_t* keys = head.keys + panel * kHead * kPanel;
  for (size_t k = 0; k < kHead; k += 2) {
    INFER_UNROLL
    for (size_t half = 0; half < 2; ++half) {
      hwy::Prefetch(keys + (k + half) * kPanel + 2 * kHead * kPanel);
      INFER_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        const VF key = FromFixed(keys + (k + half) * kPanel + v * kLanes);
        INFER_UNROLL
        for (size_t r = 0; r < kR; ++r) {
          sums[r][half][v] =
              hn::MulAdd(hn::Set(f, queries[r * stride + k + half]), key, sums[r][half][v]);
        }
      }
    }
  }
  INFER_UNROLL
  for (size_t v = 0; v < kVectors; ++v) {
    const VF scale = hn::LoadU(f, head.key_scales + panel * kPanel + v * kLanes);
    INFER_UNROLL
    for (size_t r = 0; r < kR; ++r) {
      hn::StoreU(hn::Mul(hn::Add(sums[r][0][v], sums[r][1][v]), scale), f,
                 scores + r * score_stride + panel * kPanel + v * kLanes);
    }
  }
}

void CrossScores(const float* queries, size_t stride, size_t rows, const CrossHead& head,
                 size_t positions, float* scores, size_t score_stride) {
  for (size_t panel = 0; panel * kPanel < positions; ++panel) {
    size_t r = 0;
    if constexpr (kVectors <= 2) {
      for (; r + 4 <= rows; r += 4) {
        CrossScoreTile<4>(queries + r * stride, stride, head, panel, scores + r * score_stride,
                          score_stride);
      }
    }
    for (; r < rows; ++r) {
      CrossScoreTile<1>(queries + r * stride, stride, head, panel, scores + r * score_stride,
                        score_stride);
    }
  }
}

template <size_t kR>
HWY_INLINE void CrossMixTile(const float* weights, size_t weight_stride, const CrossHead& head,
                             size_t positions, float* out, size_t stride) {
  constexpr size_t kV = HWY_MIN(kHead / kLanes, 4);
  for (size_t first = 0; first < kHead; first += kV * kLanes) {
    VF sums[kR][2][kV];
    INFER_UNROLL
    for (size_t r = 0; r < kR; ++r) {
      INFER_UNROLL
      for (size_t v = 0; v < kV; ++v) sums[r][0][v] = sums[r][1][v] = hn::Zero(f);
    }
    const auto add = [&](size_t i, size_t half) HWY_ATTR {
      const int16_t* values = head.values + i * kHead + first;
      VF weight[kR];
      INFER_UNROLL
      for (size_t r = 0; r < kR; ++r) {
        weight[r] = hn::Set(f, weights[r * weight_stride + i] * head.value_scales[i]);
      }
      INFER_UNROLL
      for (size_t v = 0; v < kV; ++v) {
        const VF value = FromFixed(values + v * kLanes);
        INFER_UNROLL
        for (size_t r = 0; r < kR; ++r) {
          sums[r][half][v] = hn::MulAdd(weight[r], value, sums[r][half][v]);
        }
      }
    };
    size_t i = 0;
    for (; i + 2 <= positions; i += 2) {
      hwy::Prefetch(head.values + i * kHead + first + 8 * kHead);
      hwy::Prefetch(head.values + i * kHead + first + 9 * kHead);
      add(i, 0);
      add(i + 1, 1);
    }
    if (i < positions) add(i, 0);
    INFER_UNROLL
    for (size_t r = 0; r < kR; ++r) {
      INFER_UNROLL
      for (size_t v = 0; v < kV; ++v) {
        hn::StoreU(hn::Add(sums[r][0][v], sums[r][1][v]), f, out + r * stride + first + v * kLanes);
      }
    }
  }
}

void CrossMix(const float* weights, size_t weight_stride, size_t rows, const CrossHead& head,
              size_t positions, float* out, size_t stride) {
  size_t r = 0;
  if constexpr (kVectors == 1) {
    for (; r + 3 <= rows; r += 3) {
      CrossMixTile<3>(weights + r * weight_stride, weight_stride, head, positions, out + r * stride,
                      stride);
    }
  }
  for (; r < rows; ++r) {
    CrossMixTile<1>(weights + r * weight_stride, weight_stride, head, positions, out + r * stride,
                    stride);
  }
}

float ToFixed(const float* x, int16_t* out) {
  VF largest = hn::Zero(f);
  ForVectors(kHead,
             [&](size_t i) HWY_ATTR { largest = hn::Max(largest, hn::Abs(hn::LoadU(f, x + i))); });
  const float top = hn::ReduceMax(f, largest);
  const bool nothing = !(top > 1e-30F);
  const VF up = hn::Set(f, nothing ? 0.0F : 32767.0F / top);
  const hn::Rebind<int16_t, F> half;
  ForVectors(kHead, [&](size_t i) HWY_ATTR {
    const VI32 number = hn::NearestInt(hn::Mul(hn::LoadU(f, x + i), up));
    hn::StoreU(hn::DemoteTo(half, number), half, out + i);
  });
  return nothing ? 0.0F : top / 32767.0F;
}

}  // namespace rules_inference::infer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // Toggled with each target.
