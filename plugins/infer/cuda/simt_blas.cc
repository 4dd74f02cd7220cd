#include "plugins/infer/cuda/simt_blas.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/blas.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer::cuda {
namespace {

class PlainLoops : public Blas {
 public:
  PlainLoops(const SimtBlasOptions& options, Buffer workspace)
      : options_(options), workspace_(std::move(workspace)) {}

  std::string Describe() const override { return "plain loops"; }

  absl::Status Product(const ProductArgs& args, void* /*queue*/) override {
    if (options_.fail_at >= 0 && products_ >= options_.fail_at) {
      return absl::InternalError("the library is tired");
    }
    ++products_;
    if (options_.products != nullptr) ++*options_.products;
    const auto columns = static_cast<size_t>(args.columns);
    for (size_t row = 0; row < static_cast<size_t>(args.rows); ++row) {
      for (size_t column = 0; column < columns; ++column) {
        const size_t at = row * columns + column;
        float sum = Sum(args, row, column);
        if (args.out_half != nullptr) {
          if (args.bias_half != nullptr) sum += HalfToFloat(args.bias_half[column].bits);
          args.out_half[at] = {FloatToHalf(sum)};
          continue;
        }
        if (args.bias != nullptr) sum += args.bias[column];
        args.out[at] = args.add ? args.out[at] + sum : sum;
      }
    }
    return absl::OkStatus();
  }

 private:
  float Sum(const ProductArgs& args, size_t row, size_t column) const {
    const auto depth = static_cast<size_t>(args.depth);
    const Half* const in = args.in + row * depth;
    const Half* const weight = args.weight + column * depth;
    float sum = options_.wrong ? 0.0625F : 0.0F;
    for (size_t k = 0; k < depth; ++k) {
      sum += HalfToFloat(in[k].bits) * HalfToFloat(weight[k].bits);
    }
    return sum;
  }

  const SimtBlasOptions options_;
  const Buffer workspace_;
  int products_ = 0;
};

}  // namespace

BlasLibrary SimtBlas(const SimtBlasOptions& options) {
  return {.name = "plain loops",
          .open = [options](Accelerator& accelerator) -> absl::StatusOr<std::unique_ptr<Blas>> {
            ASSIGN_OR_RETURN(Buffer workspace, Buffer::Make(accelerator, options.workspace));
            return std::make_unique<PlainLoops>(options, std::move(workspace));
          }};
}

}  // namespace rules_inference::infer::cuda
