// A library with the interface of cuBLASLt, as its documentation has it: matrices by columns, in
// memory of the host, in plain loops. It refuses what the engine must not ask for. Tests tell it by
// variables of the environment:
//   FAKE_CUBLASLT_VERSION    what it says it is, default 130100
//   FAKE_CUBLASLT_FAILS      name of the function that fails, without cublasLt
//   FAKE_CUBLASLT_ONE_SHAPE  algorithms are for the shape that they were chosen for
//   FAKE_CUBLASLT_LOG        file to which each choice of an algorithm is appended

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "plugins/infer/cuda/cublaslt_abi.h"

namespace {

namespace lt = rules_inference::infer::cuda::cublaslt;

constexpr int kNotInitialized = 1;
constexpr int kInvalidValue = 7;
constexpr int kNotSupported = 15;

struct Operation {
  int32_t transpose_a = 0;
  uint32_t epilogue = 1;
  int32_t bias_type = -1;
  const void* bias = nullptr;
};

struct Layout {
  int type;
  uint64_t rows;
  uint64_t columns;
  int64_t stride;
};

struct Preference {
  uint64_t workspace = 0;
  uint32_t reductions = 7;
  uint32_t alignments[4] = {256, 256, 256, 256};
};

bool Fails(const char* name) {
  const char* const which = std::getenv("FAKE_CUBLASLT_FAILS");
  return which != nullptr && std::strcmp(which, name) == 0;
}

template <typename Value>
int Set(const void* from, size_t size, Value& to) {
  if (size != sizeof(Value)) return kInvalidValue;
  std::memcpy(&to, from, size);
  return 0;
}

// Of finite numbers: a half is 0 to 2047 units of a power of two, at least 2^-24. Libraries that a
// test loads should be small, so this one has nothing of the repository but numbers.
float FromHalf(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int units = (bits & 1023) + (exponent > 0 ? 1024 : 0);
  const float value = std::ldexp(static_cast<float>(units), std::max(exponent, 1) - 25);
  return (bits & 0x8000) != 0 ? -value : value;
}
uint16_t ToHalf(float value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (value == 0) return sign;
  int exponent = 0;
  std::frexp(value, &exponent);
  exponent = std::max(exponent, -13);
  const auto units = static_cast<int>(std::nearbyint(std::ldexp(std::abs(value), 11 - exponent)));
  // 2048 units are 1024 of the next power.
  return static_cast<uint16_t>(sign | (((exponent + 13) << 10) + units));
}

float At(int type, const void* data, size_t at) {
  return type == lt::kHalf ? FromHalf(static_cast<const uint16_t*>(data)[at])
                           : static_cast<const float*>(data)[at];
}

// The product of `a` transposed, and `b`, into `d`.
bool Fits(const Operation& operation, const Layout& a, const Layout& b, const Layout& d) {
  return operation.transpose_a == 1 && a.type == lt::kHalf && b.type == lt::kHalf &&
         a.rows == b.rows && d.rows == a.columns && d.columns == b.columns &&
         a.stride == static_cast<int64_t>(a.rows) && b.stride == static_cast<int64_t>(b.rows) &&
         d.stride == static_cast<int64_t>(d.rows) &&
         (operation.epilogue == 1 || (operation.epilogue == 4 && operation.bias_type == d.type));
}

}  // namespace

extern "C" {

size_t cublasLtGetVersion() {
  const char* const version = std::getenv("FAKE_CUBLASLT_VERSION");
  return version == nullptr ? 130100 : std::strtoul(version, nullptr, 10);
}

const char* cublasLtGetStatusName(int status) {
  switch (status) {
    case kNotInitialized:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case kInvalidValue:
      return "CUBLAS_STATUS_INVALID_VALUE";
    default:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
}

int cublasLtCreate(void** handle) {
  if (Fails("Create")) return kNotInitialized;
  *handle = new int(7);
  return 0;
}
int cublasLtDestroy(void* handle) {
  delete static_cast<int*>(handle);
  return 0;
}

int cublasLtMatmulDescCreate(void** operation, int compute_type, int scale_type) {
  if (compute_type != lt::kComputeFloat || scale_type != lt::kFloat) return kNotSupported;
  *operation = new Operation();
  return 0;
}
int cublasLtMatmulDescDestroy(void* operation) {
  delete static_cast<Operation*>(operation);
  return 0;
}
int cublasLtMatmulDescSetAttribute(void* object, int attribute, const void* value, size_t size) {
  auto& operation = *static_cast<Operation*>(object);
  switch (attribute) {
    case lt::kTransposeA:
      return Set(value, size, operation.transpose_a);
    case lt::kEpilogue:
      return Set(value, size, operation.epilogue);
    case lt::kBiasPointer:
      return Set(value, size, operation.bias);
    case lt::kBiasType:
      return Set(value, size, operation.bias_type);
    default:
      return kInvalidValue;
  }
}

int cublasLtMatrixLayoutCreate(void** layout, int type, uint64_t rows, uint64_t columns,
                               int64_t stride) {
  *layout = new Layout{type, rows, columns, stride};
  return 0;
}
int cublasLtMatrixLayoutDestroy(void* layout) {
  delete static_cast<Layout*>(layout);
  return 0;
}

int cublasLtMatmulPreferenceCreate(void** preference) {
  *preference = new Preference();
  return 0;
}
int cublasLtMatmulPreferenceDestroy(void* preference) {
  delete static_cast<Preference*>(preference);
  return 0;
}
int cublasLtMatmulPreferenceSetAttribute(void* object, int attribute, const void* value,
                                         size_t size) {
  auto& preference = *static_cast<Preference*>(object);
  if (attribute == lt::kMaxWorkspace) return Set(value, size, preference.workspace);
  if (attribute == lt::kReductionSchemes) return Set(value, size, preference.reductions);
  if (attribute < lt::kAlignmentA || attribute > lt::kAlignmentD) return kInvalidValue;
  return Set(value, size, preference.alignments[attribute - lt::kAlignmentA]);
}

int cublasLtMatmulAlgoGetHeuristic(void* handle, void* operation, void* a, void* b, void* c,
                                   void* d, void* preference, int wanted, lt::Choice* choices,
                                   int* found) {
  if (Fails("MatmulAlgoGetHeuristic")) return kNotSupported;
  const auto& prefer = *static_cast<const Preference*>(preference);
  const auto& out = *static_cast<const Layout*>(d);
  if (handle == nullptr || wanted != 1 || c != d || prefer.reductions != 0 ||
      prefer.workspace == 0) {
    return kInvalidValue;
  }
  for (const uint32_t alignment : prefer.alignments) {
    if (alignment > 64) return kInvalidValue;
  }
  *found = 0;
  if (!Fits(*static_cast<Operation*>(operation), *static_cast<Layout*>(a), *static_cast<Layout*>(b),
            out)) {
    return kNotSupported;
  }
  *choices = {};
  choices->algorithm.data[0] = out.columns;
  choices->workspace = prefer.workspace;
  *found = 1;
  if (const char* const log = std::getenv("FAKE_CUBLASLT_LOG"); log != nullptr) {
    std::FILE* const file = std::fopen(log, "a");
    std::fprintf(file, "%d rows\n", static_cast<int>(out.columns));
    std::fclose(file);
  }
  return 0;
}

int cublasLtMatmulAlgoCheck(void* /*handle*/, void* /*operation*/, void* /*a*/, void* /*b*/,
                            void* /*c*/, void* d, const lt::Algorithm* algorithm,
                            lt::Choice* choice) {
  if (std::getenv("FAKE_CUBLASLT_ONE_SHAPE") != nullptr &&
      algorithm->data[0] != static_cast<const Layout*>(d)->columns) {
    return kNotSupported;
  }
  choice->workspace = 1 << 20;
  return 0;
}

int cublasLtMatmul(void* handle, void* object, const void* alpha, const void* a, void* layout_a,
                   const void* b, void* layout_b, const void* beta, const void* c,
                   void* /*layout_c*/, void* d, void* layout_d, const lt::Algorithm* algorithm,
                   void* workspace, size_t workspace_size, void* /*stream*/) {
  if (Fails("Matmul")) return kNotSupported;
  const auto& operation = *static_cast<const Operation*>(object);
  const auto& a_layout = *static_cast<const Layout*>(layout_a);
  const auto& b_layout = *static_cast<const Layout*>(layout_b);
  const auto& d_layout = *static_cast<const Layout*>(layout_d);
  if (handle == nullptr || workspace == nullptr || workspace_size < (1 << 20) ||
      algorithm->data[0] == 0 || !Fits(operation, a_layout, b_layout, d_layout)) {
    return kInvalidValue;
  }
  const float scale_product = *static_cast<const float*>(alpha);
  const float scale_before = *static_cast<const float*>(beta);
  const auto depth = static_cast<size_t>(a_layout.rows);
  for (size_t column = 0; column < d_layout.columns; ++column) {
    for (size_t row = 0; row < d_layout.rows; ++row) {
      const size_t at = column * d_layout.rows + row;
      float sum = 0;
      for (size_t k = 0; k < depth; ++k) {
        sum += At(lt::kHalf, a, row * depth + k) * At(lt::kHalf, b, column * depth + k);
      }
      sum *= scale_product;
      if (scale_before != 0) sum += scale_before * At(d_layout.type, c, at);
      if (operation.epilogue == 4) sum += At(d_layout.type, operation.bias, row);
      if (d_layout.type == lt::kHalf) {
        static_cast<uint16_t*>(d)[at] = ToHalf(sum);
      } else {
        static_cast<float*>(d)[at] = sum;
      }
    }
  }
  return 0;
}

}  // extern "C"
