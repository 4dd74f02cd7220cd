// Linked into a program, it gives the CUDA engine cuBLASLt.

#include "plugins/infer/cuda/blas.h"
#include "plugins/infer/cuda/cublaslt_api.h"
#include "plugins/infer/cuda/cublaslt_blas.h"

namespace rules_inference::infer::cuda {
namespace {

[[maybe_unused]] const bool registered = [] {
  RegisterBlas(CublasLt(cublaslt::kSoname));
  return true;
}();

}  // namespace
}  // namespace rules_inference::infer::cuda
