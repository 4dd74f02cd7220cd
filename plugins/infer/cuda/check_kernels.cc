#include <cmath>
#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer::cuda {
namespace {

constexpr int kRows = 20;
constexpr int kColumns = 24;
constexpr int kDepth = 64;

// Numbers whose products and sums are exact.
float Number(size_t i) { return static_cast<float>(static_cast<int>(i * 7 % 11) - 5) / 4; }

std::vector<Half> Numbers(size_t count, size_t salt) {
  std::vector<Half> halves(count);
  for (size_t i = 0; i < count; ++i) halves[i] = {FloatToHalf(Number(i + salt * (i / kDepth)))};
  return halves;
}

}  // namespace

absl::Status CheckKernels(Accelerator& accelerator) {
  const std::vector<Half> in = Numbers(kRows * kDepth, 3);
  const std::vector<Half> weight = Numbers(kColumns * kDepth, 5);
  ASSIGN_OR_RETURN(const Buffer in_memory, UploadNew<Half>(accelerator, in));
  ASSIGN_OR_RETURN(const Buffer weight_memory, UploadNew<Half>(accelerator, weight));
  ASSIGN_OR_RETURN(const Buffer out_memory,
                   Buffer::Make(accelerator, kRows * kColumns * sizeof(float)));
  GemmArgs args;
  args.weight = {.type = WeightType::kF16,
                 .rows = kColumns,
                 .columns = kDepth,
                 .quants = weight_memory.as<Half>()};
  args.in = in_memory.as<Half>();
  args.rows = kRows;
  args.epilogue.out = out_memory.as<float>();
  RETURN_IF_ERROR(accelerator.Launch(args));
  std::vector<float> out(kRows * kColumns);
  RETURN_IF_ERROR(
      accelerator.Download(out.data(), out_memory.as<float>(), out.size() * sizeof(float)));
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t column = 0; column < kColumns; ++column) {
      float sum = 0;
      for (size_t k = 0; k < kDepth; ++k) {
        sum +=
            HalfToFloat(in[row * kDepth + k].bits) * HalfToFloat(weight[column * kDepth + k].bits);
      }
      if (out[row * kColumns + column] != sum) return absl::InternalError("wrong results");
    }
  }
  return absl::OkStatus();
}

}  // namespace rules_inference::infer::cuda
