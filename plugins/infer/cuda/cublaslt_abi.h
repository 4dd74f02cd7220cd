// The types and numbers of cuBLASLt, NVIDIA's library of matrix products, as far as they are used
// here.
//
// They are written down, and not included from cublasLt.h: that header comes in an archive of 400
// MB with the library, of which a build would need these two pages. cublaslt_api_test compares each
// number and each type with the header.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_CUBLASLT_ABI_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_CUBLASLT_ABI_H_

#include <cstddef>
#include <cstdint>

namespace rules_inference::infer::cuda::cublaslt {

using Handle = void*;
using Operation = void*;   // cublasLtMatmulDesc_t
using Layout = void*;      // cublasLtMatrixLayout_t
using Preference = void*;  // cublasLtMatmulPreference_t

constexpr int kSuccess = 0;

// cudaDataType_t, cublasComputeType_t, cublasOperation_t.
constexpr int kFloat = 0;
constexpr int kHalf = 2;
constexpr int kComputeFloat = 68;
constexpr int32_t kTransposed = 1;

// cublasLtMatmulDescAttributes_t
constexpr int kTransposeA = 3;
constexpr int kEpilogue = 7;
constexpr int kBiasPointer = 8;
constexpr int kBiasType = 26;
// cublasLtEpilogue_t
constexpr uint32_t kEpilogueBias = 4;

// cublasLtMatmulPreferenceAttributes_t
constexpr int kMaxWorkspace = 1;
constexpr int kReductionSchemes = 3;
constexpr int kAlignmentA = 5;
constexpr int kAlignmentB = 6;
constexpr int kAlignmentC = 7;
constexpr int kAlignmentD = 8;
// cublasLtReductionScheme_t
constexpr uint32_t kNoReduction = 0;

struct Algorithm {
  uint64_t data[8];
};

// cublasLtMatmulHeuristicResult_t
struct Choice {
  Algorithm algorithm;
  size_t workspace;
  int status;
  float waves;
  int reserved[4];
};

// Functions by their names without cublasLt.
struct Api {
  size_t (*GetVersion)();
  const char* (*GetStatusName)(int status);
  int (*Create)(Handle* handle);
  int (*Destroy)(Handle handle);
  int (*MatmulDescCreate)(Operation* operation, int compute_type, int scale_type);
  int (*MatmulDescDestroy)(Operation operation);
  int (*MatmulDescSetAttribute)(Operation operation, int attribute, const void* value, size_t size);
  int (*MatrixLayoutCreate)(Layout* layout, int type, uint64_t rows, uint64_t columns,
                            int64_t stride);
  int (*MatrixLayoutDestroy)(Layout layout);
  int (*MatmulPreferenceCreate)(Preference* preference);
  int (*MatmulPreferenceDestroy)(Preference preference);
  int (*MatmulPreferenceSetAttribute)(Preference preference, int attribute, const void* value,
                                      size_t size);
  int (*MatmulAlgoGetHeuristic)(Handle handle, Operation operation, Layout a, Layout b, Layout c,
                                Layout d, Preference preference, int wanted, Choice* choices,
                                int* found);
  int (*MatmulAlgoCheck)(Handle handle, Operation operation, Layout a, Layout b, Layout c, Layout d,
                         const Algorithm* algorithm, Choice* choice);
  int (*Matmul)(Handle handle, Operation operation, const void* alpha, const void* a,
                Layout layout_a, const void* b, Layout layout_b, const void* beta, const void* c,
                Layout layout_c, void* d, Layout layout_d, const Algorithm* algorithm,
                void* workspace, size_t workspace_size, void* stream);
};

}  // namespace rules_inference::infer::cuda::cublaslt

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_CUBLASLT_ABI_H_
