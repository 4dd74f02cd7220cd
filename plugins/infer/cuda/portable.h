// What kernels are written with, for two compilers: nvcc, where each function is an instruction or
// two of the device, and the host's, where the executor of simt.h plays the device.
//
// Kernels are structs with a static Run(args, shared); a block has kThreads threads, in warps
// of 32. Whatever exchanges data between lanes is called by all lanes of a warp together.
//
// Tensor cores: Mma is mma.m16n8k16. The lane with g = lane / 4 and t = lane % 4 holds
//   of A (16 x 16)  a[0]: row g, columns 2t and 2t + 1; a[1]: row g + 8; a[2], a[3]: columns + 8
//   of B (16 x 8)   b[0]: rows 2t and 2t + 1, column g; b[1]: rows + 8
//   of C (16 x 8)   c[0], c[1]: row g, columns 2t and 2t + 1; c[2], c[3]: row g + 8
// LoadMatrices gives lane l of each of four 8 x 8 matrices row l / 4, columns 2 (l % 4) and + 1;
// or, transposed, column l / 4, rows 2 (l % 4) and + 1. Lane l points at row l % 8 of matrix l / 8.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_PORTABLE_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_PORTABLE_H_

#include <cmath>
#include <cstdint>
#include <cstring>

#include "plugins/infer/cuda/kernel_args.h"

#if defined(__CUDACC__)
#include <cuda_fp16.h>
#define RI_DEVICE __device__ __forceinline__
#else
#include "plugins/infer/cuda/simt.h"
#define RI_DEVICE inline
#endif

namespace rules_inference::infer::cuda {

constexpr int kWarp = 32;

// What is read or written at once.
struct alignas(16) Word4 {
  uint32_t x, y, z, w;
};
struct alignas(8) Word2 {
  uint32_t x, y;
};

#if defined(__CUDACC__)

RI_DEVICE int ThreadIndex() { return static_cast<int>(threadIdx.x); }
RI_DEVICE int BlockX() { return static_cast<int>(blockIdx.x); }
RI_DEVICE int BlockY() { return static_cast<int>(blockIdx.y); }
RI_DEVICE int BlockZ() { return static_cast<int>(blockIdx.z); }
RI_DEVICE void Sync() { __syncthreads(); }

RI_DEVICE float ToFloat(Half half) { return __half2float(__ushort_as_half(half.bits)); }
RI_DEVICE Half ToHalf(float value) { return {__half_as_ushort(__float2half_rn(value))}; }
// `low` is at the lower address.
RI_DEVICE uint32_t Pack(float low, float high) {
  const __half2 pair = __floats2half2_rn(low, high);
  uint32_t bits;
  memcpy(&bits, &pair, sizeof(bits));
  return bits;
}

template <typename T>
RI_DEVICE T ShuffleXor(T value, int mask) {
  return __shfl_xor_sync(0xffffffffU, value, mask);
}
RI_DEVICE float WarpSum(float value) {
#pragma unroll
  for (int mask = kWarp / 2; mask > 0; mask /= 2) value += ShuffleXor(value, mask);
  return value;
}
// Of each of several values.
template <int kCount>
RI_DEVICE void WarpSums(float (&values)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) values[i] = WarpSum(values[i]);
}
RI_DEVICE float WarpMax(float value) {
#pragma unroll
  for (int mask = kWarp / 2; mask > 0; mask /= 2) value = fmaxf(value, ShuffleXor(value, mask));
  return value;
}

// 16 bytes to shared memory, zeros unless `valid`. They are there after CopyWait and, for other
// threads, Sync.
RI_DEVICE void CopyAsync(void* to, const void* from, bool valid) {
#if __CUDA_ARCH__ >= 800
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from),
               "r"(valid ? 16 : 0)
               : "memory");
#else
  *static_cast<Word4*>(to) = valid ? *static_cast<const Word4*>(from) : Word4{0, 0, 0, 0};
#endif
}
// Ends a group of copies.
RI_DEVICE void CopyCommit() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
// Waits for all but the last `kGroups` groups of this thread.
template <int kGroups>
RI_DEVICE void CopyWait() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(kGroups) : "memory");
#endif
}

RI_DEVICE void LoadMatrices(const Half* row, uint32_t (&out)[4]) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(address)
               : "memory");
}
RI_DEVICE void LoadMatricesTransposed(const Half* row, uint32_t (&out)[4]) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(address)
               : "memory");
}

// c += a * b.
RI_DEVICE void Mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  // Turing has half of it: 8 columns of A, 8 rows of B.
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(b0));
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[2]), "r"(a[3]), "r"(b1));
#endif
}

#else  // The host.

inline int ThreadIndex() { return simt::ThreadIndex(); }
inline int BlockX() { return simt::BlockIndex(0); }
inline int BlockY() { return simt::BlockIndex(1); }
inline int BlockZ() { return simt::BlockIndex(2); }
inline void Sync() { simt::SyncBlock(); }

inline float ToFloat(Half half) { return simt::HalfValue(half.bits); }
inline Half ToHalf(float value) { return {simt::HalfBits(value)}; }
inline uint32_t Pack(float low, float high) {
  return simt::HalfBits(low) | static_cast<uint32_t>(simt::HalfBits(high)) << 16;
}

template <typename T>
T ShuffleXor(T value, int mask) {
  static_assert(sizeof(T) == sizeof(uint32_t));
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  bits = simt::ShuffleXor(bits, mask);
  std::memcpy(&value, &bits, sizeof(bits));
  return value;
}
inline float WarpSum(float value) { return simt::WarpSum(value); }
template <int kCount>
void WarpSums(float (&values)[kCount]) {
  static_assert(kCount <= simt::kMostSums);
  simt::WarpSums(values, kCount);
}
inline float WarpMax(float value) { return simt::WarpMax(value); }

inline void CopyAsync(void* to, const void* from, bool valid) { simt::CopyAsync(to, from, valid); }
inline void CopyCommit() { simt::CopyCommit(); }
template <int kGroups>
void CopyWait() {
  simt::CopyWait(kGroups);
}

inline void LoadMatrices(const Half* row, uint32_t (&out)[4]) {
  simt::LoadMatrices(row, /*transposed=*/false, out);
}
inline void LoadMatricesTransposed(const Half* row, uint32_t (&out)[4]) {
  simt::LoadMatrices(row, /*transposed=*/true, out);
}
inline void Mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  simt::Mma(c, a, b0, b1);
}

#endif

RI_DEVICE float Infinity() { return HUGE_VALF; }

RI_DEVICE float LowHalf(uint32_t pair) { return ToFloat({static_cast<uint16_t>(pair & 0xffff)}); }
RI_DEVICE float HighHalf(uint32_t pair) { return ToFloat({static_cast<uint16_t>(pair >> 16)}); }

// Four and eight neighbours; `from` is aligned to as many bytes as it has.
RI_DEVICE void Load4(const Half* from, float* out) {
  const Word2 word = *reinterpret_cast<const Word2*>(from);
  out[0] = LowHalf(word.x);
  out[1] = HighHalf(word.x);
  out[2] = LowHalf(word.y);
  out[3] = HighHalf(word.y);
}
RI_DEVICE void Unpack8(const Word4& word, float* out) {
  out[0] = LowHalf(word.x);
  out[1] = HighHalf(word.x);
  out[2] = LowHalf(word.y);
  out[3] = HighHalf(word.y);
  out[4] = LowHalf(word.z);
  out[5] = HighHalf(word.z);
  out[6] = LowHalf(word.w);
  out[7] = HighHalf(word.w);
}
RI_DEVICE void Load8(const Half* from, float* out) {
  Unpack8(*reinterpret_cast<const Word4*>(from), out);
}
RI_DEVICE void Store8(const float* values, Half* to) {
  *reinterpret_cast<Word4*>(to) = {Pack(values[0], values[1]), Pack(values[2], values[3]),
                                   Pack(values[4], values[5]), Pack(values[6], values[7])};
}

// The exact form, with the error function.
RI_DEVICE float Gelu(float x) { return 0.5F * x * (1.0F + erff(x * 0.70710678F)); }

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_PORTABLE_H_
