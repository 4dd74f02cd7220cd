// Products of activations with the matrices of a model, shared out over threads.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CPU_PRODUCT_H_
#define RULES_INFERENCE_PLUGINS_INFER_CPU_PRODUCT_H_

#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/cpu/kernels.h"
#include "plugins/infer/cpu/packed_matrix.h"
#include "plugins/infer/cpu/thread_pool.h"

namespace rules_inference::infer {

// Activations: `count` rows that lie `stride` apart. The inputs of a convolution are `taps` parts,
// `tap_stride` apart.
struct Rows {
  const float* data = nullptr;
  size_t count = 0;
  size_t stride = 0;
  size_t taps = 1;
  size_t tap_stride = 0;
};

// One matrix that the rows are multiplied with. `bias` may be null. Outputs are a multiple of 16,
// or neither bias nor finish is asked for.
struct Product {
  const PackedMatrix* matrix = nullptr;
  const float* bias = nullptr;
  float* out = nullptr;
  size_t out_stride = 0;
  Finish finish = Finish::kStore;
};

class Multiplier {
 public:
  // Both have to outlive it.
  Multiplier(const Kernels& kernels, ThreadPool& pool);

  // For many rows: matrices become floats, a piece at a time.
  void Wide(const Rows& rows, absl::Span<const Product> products);

  // For any number of rows, mostly few: quantized matrices stay what they are. The bits of a row's
  // results do not depend on the other rows.
  void Narrow(const Rows& rows, absl::Span<const Product> products);

 private:
  struct Scratch {
    std::vector<float> panels;
    std::vector<float> sums;
  };

  void Tile(const Rows& rows, const Product& product, size_t row, size_t row_end, size_t panel,
            size_t panel_end, Scratch& scratch) const;
  void ToDigits(const Rows& rows, const PackedMatrix& matrix);
  void Part(const Rows& rows, const Product& product, size_t panel, size_t panel_end,
            Scratch& scratch) const;

  const Kernels& kernels_;
  ThreadPool& pool_;
  std::vector<Scratch> scratch_;
  // The rows of a narrow product.
  std::vector<DigitBlock> digits_;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CPU_PRODUCT_H_
