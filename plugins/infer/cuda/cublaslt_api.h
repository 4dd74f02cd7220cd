// How cuBLASLt is opened.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_CUBLASLT_API_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_CUBLASLT_API_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/infer/cuda/cublaslt_abi.h"

namespace rules_inference::infer::cuda::cublaslt {

// The name by which the loader finds it; what the rows of a release say of a program that opens it.
constexpr char kSoname[] = "libcublasLt.so.13";
// Of the versions that have this interface: 13.1.0 is 130100.
constexpr size_t kMajor = 13;

// Opens the library, for as long as the process lives. Unavailable, in few words: it is not there,
// lacks a function, is of another version.
absl::StatusOr<const Api*> Load(const char* soname);

// "13.1.0"
std::string VersionText(size_t version);

// "cublasLtCreate: CUBLAS_STATUS_NOT_INITIALIZED"
absl::Status ToStatus(const Api& api, int code, absl::string_view what);

}  // namespace rules_inference::infer::cuda::cublaslt

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_CUBLASLT_API_H_
