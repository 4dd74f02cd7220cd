// cublaslt_api.h against the header and the library of the toolkit. By hand, because these are 600
// MB.

#include "plugins/infer/cuda/cublaslt_api.h"

#include <cublasLt.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/blas.h"
#include "plugins/infer/cuda/cublaslt_abi.h"
#include "plugins/infer/cuda/cublaslt_blas.h"
#include "plugins/infer/cuda/simt_accelerator.h"

namespace rules_inference::infer::cuda::cublaslt {
namespace {

static_assert(kSuccess == CUBLAS_STATUS_SUCCESS);
static_assert(kFloat == CUDA_R_32F && kHalf == CUDA_R_16F);
static_assert(kComputeFloat == CUBLAS_COMPUTE_32F);
static_assert(kTransposed == CUBLAS_OP_T && sizeof(cublasOperation_t) == sizeof(kTransposed));
static_assert(kTransposeA == CUBLASLT_MATMUL_DESC_TRANSA);
static_assert(kEpilogue == CUBLASLT_MATMUL_DESC_EPILOGUE);
static_assert(kBiasPointer == CUBLASLT_MATMUL_DESC_BIAS_POINTER);
static_assert(kBiasType == CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE);
static_assert(kEpilogueBias == CUBLASLT_EPILOGUE_BIAS);
static_assert(kMaxWorkspace == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
static_assert(kReductionSchemes == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK);
static_assert(kAlignmentA == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
static_assert(kAlignmentB == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
static_assert(kAlignmentC == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
static_assert(kAlignmentD == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
static_assert(kNoReduction == CUBLASLT_REDUCTION_SCHEME_NONE);
static_assert(sizeof(Algorithm) == sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(Choice) == sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(Choice, workspace) ==
              offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(Choice, status) == offsetof(cublasLtMatmulHeuristicResult_t, state));

// Types of functions are the same where pointers to objects of the library are pointers to anything
// and enumerations are numbers.
template <typename Own, typename Theirs>
struct Alike : std::bool_constant<std::is_same_v<Own, Theirs> ||
                                  (std::is_pointer_v<Own> && std::is_pointer_v<Theirs>) ||
                                  (std::is_enum_v<Theirs> && sizeof(Own) == sizeof(Theirs))> {};
template <typename OwnResult, typename... Own, typename Result, typename... Theirs>
struct Alike<OwnResult (*)(Own...), Result (*)(Theirs...)>
    : std::bool_constant<Alike<OwnResult, Result>::value && (Alike<Own, Theirs>::value && ...)> {};

#define RI_ALIKE(name) static_assert(Alike<decltype(Api::name), decltype(&cublasLt##name)>::value)
RI_ALIKE(GetVersion);
RI_ALIKE(GetStatusName);
RI_ALIKE(Create);
RI_ALIKE(Destroy);
RI_ALIKE(MatmulDescCreate);
RI_ALIKE(MatmulDescDestroy);
RI_ALIKE(MatmulDescSetAttribute);
RI_ALIKE(MatrixLayoutCreate);
RI_ALIKE(MatrixLayoutDestroy);
RI_ALIKE(MatmulPreferenceCreate);
RI_ALIKE(MatmulPreferenceDestroy);
RI_ALIKE(MatmulPreferenceSetAttribute);
RI_ALIKE(MatmulAlgoGetHeuristic);
RI_ALIKE(MatmulAlgoCheck);
RI_ALIKE(Matmul);

TEST(CublasLtApiTest, TheLibraryOfTheToolkitIsOpened) {
  const auto api = Load(kSoname);
  ASSERT_TRUE(api.ok()) << api.status();
  EXPECT_EQ((*api)->GetVersion(), size_t{CUBLAS_VERSION});
  EXPECT_EQ(ToStatus(**api, CUBLAS_STATUS_NOT_SUPPORTED, "Matmul"),
            absl::InternalError("cublasLtMatmul: CUBLAS_STATUS_NOT_SUPPORTED"));
}

TEST(CublasLtApiTest, DescriptionsNeedNoDevice) {
  const auto api = Load(kSoname);
  ASSERT_TRUE(api.ok()) << api.status();
  Operation operation = nullptr;
  ASSERT_EQ((*api)->MatmulDescCreate(&operation, kComputeFloat, kFloat), kSuccess);
  const auto set = [&](int attribute, const auto& value) {
    return (*api)->MatmulDescSetAttribute(operation, attribute, &value, sizeof(value));
  };
  EXPECT_EQ(set(kTransposeA, kTransposed), kSuccess);
  EXPECT_EQ(set(kEpilogue, kEpilogueBias), kSuccess);
  EXPECT_EQ(set(kBiasType, int32_t{kHalf}), kSuccess);
  const void* const bias = nullptr;
  EXPECT_EQ(set(kBiasPointer, bias), kSuccess);
  EXPECT_EQ((*api)->MatmulDescDestroy(operation), kSuccess);
  Layout layout = nullptr;
  ASSERT_EQ((*api)->MatrixLayoutCreate(&layout, kHalf, 1280, 1500, 1280), kSuccess);
  EXPECT_EQ((*api)->MatrixLayoutDestroy(layout), kSuccess);
  Preference preference = nullptr;
  ASSERT_EQ((*api)->MatmulPreferenceCreate(&preference), kSuccess);
  const auto prefer = [&](int attribute, const auto& value) {
    return (*api)->MatmulPreferenceSetAttribute(preference, attribute, &value, sizeof(value));
  };
  EXPECT_EQ(prefer(kMaxWorkspace, uint64_t{1} << 25), kSuccess);
  EXPECT_EQ(prefer(kReductionSchemes, kNoReduction), kSuccess);
  for (const int matrix : {kAlignmentA, kAlignmentB, kAlignmentC, kAlignmentD}) {
    EXPECT_EQ(prefer(matrix, uint32_t{64}), kSuccess);
  }
  EXPECT_EQ((*api)->MatmulPreferenceDestroy(preference), kSuccess);
}

TEST(CublasLtApiTest, WithoutADeviceItSaysThatItDoesNotStart) {
  const std::unique_ptr<Accelerator> accelerator = NewSimtAccelerator({});
  const auto blas = OpenBlas(CublasLt(kSoname), *accelerator);
  if (blas.ok()) GTEST_SKIP() << "there is a GPU";
  EXPECT_EQ(blas.status().message(), "cublasLtCreate: CUBLAS_STATUS_NOT_INITIALIZED");
}

}  // namespace
}  // namespace rules_inference::infer::cuda::cublaslt
