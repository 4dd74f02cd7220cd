#include "plugins/infer/cuda/blas.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer::cuda {
namespace {

// Set before main, if at all; never freed, as programs end with threads that use it.
const BlasLibrary* registered = nullptr;

constexpr int kRows = 160;
constexpr int kColumns = 96;
constexpr int kDepth = 64;
constexpr size_t kValues = size_t{kRows} * kColumns;

// Numbers whose products and sums are exact, in f16 too.
std::vector<float> Numbers(size_t count, size_t salt) {
  std::vector<float> numbers(count);
  for (size_t i = 0; i < count; ++i) {
    const size_t mixed = i + salt * (i / kDepth);
    numbers[i] = static_cast<float>(static_cast<int>(mixed * 7 % 11) - 5) / 4;
  }
  return numbers;
}

std::vector<Half> Halves(absl::Span<const float> numbers) {
  std::vector<Half> halves;
  for (const float number : numbers) halves.push_back({FloatToHalf(number)});
  return halves;
}

// The bytes are compared: NaNs and zeros with a sign are wrong, too.
template <typename T>
absl::StatusOr<bool> Same(Accelerator& accelerator, const Buffer& a, const Buffer& b) {
  std::vector<T> got(kValues);
  std::vector<T> expected(kValues);
  RETURN_IF_ERROR(accelerator.Download(got.data(), a.as<T>(), kValues * sizeof(T)));
  RETURN_IF_ERROR(accelerator.Download(expected.data(), b.as<T>(), kValues * sizeof(T)));
  return std::memcmp(got.data(), expected.data(), kValues * sizeof(T)) == 0;
}

// As the encoder uses it: to f16 with a bias, and added to f32 with a bias.
absl::Status CheckBlas(Accelerator& accelerator, Blas& blas) {
  const std::vector<float> bias = Numbers(kColumns, 1);
  ASSIGN_OR_RETURN(const Buffer in,
                   UploadNew<Half>(accelerator, Halves(Numbers(size_t{kRows} * kDepth, 3))));
  ASSIGN_OR_RETURN(const Buffer weight,
                   UploadNew<Half>(accelerator, Halves(Numbers(size_t{kColumns} * kDepth, 5))));
  ASSIGN_OR_RETURN(const Buffer bias_memory, UploadNew<float>(accelerator, bias));
  ASSIGN_OR_RETURN(const Buffer bias_half, UploadNew<Half>(accelerator, Halves(bias)));
  const std::vector<float> before = Numbers(kValues, 2);
  ASSIGN_OR_RETURN(const Buffer out, UploadNew<float>(accelerator, before));
  ASSIGN_OR_RETURN(const Buffer own, UploadNew<float>(accelerator, before));
  ASSIGN_OR_RETURN(const Buffer out_half, Buffer::Make(accelerator, kValues * sizeof(Half)));
  ASSIGN_OR_RETURN(const Buffer own_half, Buffer::Make(accelerator, kValues * sizeof(Half)));

  ProductArgs product = {.weight = weight.as<Half>(),
                         .in = in.as<Half>(),
                         .rows = kRows,
                         .columns = kColumns,
                         .depth = kDepth};
  GemmArgs gemm = {
      .weight = {.rows = kColumns, .columns = kDepth, .quants = weight.as<Half>()},
      .in = in.as<Half>(),
      .rows = kRows,
  };
  product.out_half = out_half.as<Half>();
  product.bias_half = bias_half.as<Half>();
  RETURN_IF_ERROR(accelerator.Call([&](void* queue) { return blas.Product(product, queue); }));
  gemm.epilogue = {.bias = bias_memory.as<float>(), .out_half = own_half.as<Half>()};
  RETURN_IF_ERROR(accelerator.Launch(gemm));
  ASSIGN_OR_RETURN(const bool halves_same, Same<Half>(accelerator, out_half, own_half));

  product.out_half = nullptr;
  product.bias_half = nullptr;
  product.out = out.as<float>();
  product.bias = bias_memory.as<float>();
  product.add = true;
  RETURN_IF_ERROR(accelerator.Call([&](void* queue) { return blas.Product(product, queue); }));
  gemm.epilogue = {.bias = bias_memory.as<float>(),
                   .add = own.as<float>(),
                   .add_period = kRows,
                   .out = own.as<float>()};
  RETURN_IF_ERROR(accelerator.Launch(gemm));
  ASSIGN_OR_RETURN(const bool floats_same, Same<float>(accelerator, out, own));
  return halves_same && floats_same ? absl::OkStatus() : absl::InternalError("wrong results");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Blas>> OpenBlas(const BlasLibrary& library,
                                               Accelerator& accelerator) {
  ASSIGN_OR_RETURN(std::unique_ptr<Blas> blas, library.open(accelerator));
  RETURN_IF_ERROR(CheckBlas(accelerator, *blas));
  return blas;
}

void RegisterBlas(BlasLibrary library) { registered = new BlasLibrary(std::move(library)); }

const BlasLibrary* RegisteredBlas() { return registered; }

}  // namespace rules_inference::infer::cuda
