// Products with many rows by a library, where a program has one (cublaslt_blas.h): the encoder,
// prompts, keys and values of windows. A library uses instructions that need layouts and pipelines
// of their own on each generation of devices; own kernels (gemm.h) use one instruction that all of
// them have.
//
// A library is never needed. One that is missing, does not know the device or gives wrong results
// is one line for people, and own kernels do the work.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_BLAS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_BLAS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/kernel_args.h"

namespace rules_inference::infer::cuda {

// Rows from which on a library multiplies. In the time in which an H200 reads a weight of 16 bits
// it can multiply it with 206 numbers, so products of much fewer rows are about reading, which own
// kernels do as well. Nothing was measured.
constexpr int kBlasRows = 128;

// out[row][column] = sum over k of in[row][k] * weight[column][k], + bias[column], in f32, and to
// `out` or to `out_half`. There are no gaps between rows. The bias is of the type of the result:
// libraries have it so.
struct ProductArgs {
  const Half* weight = nullptr;
  const Half* in = nullptr;
  int rows = 0;
  int columns = 0;
  int depth = 0;
  float* out = nullptr;
  const float* bias = nullptr;
  // Adds to `out` what is there.
  bool add = false;
  Half* out_half = nullptr;
  const Half* bias_half = nullptr;
};

class Blas {
 public:
  virtual ~Blas() = default;

  // For people: "cuBLASLt 13.1.0".
  virtual std::string Describe() const = 0;

  // Called by Accelerator::Call. The same args give the same bits on the same device. It allocates
  // nothing on the device and does not wait, so that it can be recorded. An error has done nothing.
  virtual absl::Status Product(const ProductArgs& args, void* queue) = 0;
};

struct BlasLibrary {
  // For people: "cuBLASLt".
  std::string name;
  // The result is used on `accelerator` alone, which outlives it. Errors say in few words why there
  // is none.
  std::function<absl::StatusOr<std::unique_ptr<Blas>>(Accelerator& accelerator)> open;
};

// Opens a library and compares products of it with those of own kernels. Internal, "wrong results",
// when they differ.
absl::StatusOr<std::unique_ptr<Blas>> OpenBlas(const BlasLibrary& library,
                                               Accelerator& accelerator);

// Called before main by the code for a library, where it is linked in.
void RegisterBlas(BlasLibrary library);

// What was registered; null: nothing.
const BlasLibrary* RegisteredBlas();

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_BLAS_H_
