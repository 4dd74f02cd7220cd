// A model on an accelerator, and what the layers of its encoder and its decoder have in common.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_LAYERS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_LAYERS_H_

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/blas.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/weights.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer::cuda {

class Layers {
 public:
  Layers(std::shared_ptr<Accelerator> accelerator, const Hyperparameters& parameters,
         Weights weights)
      : accelerator_(std::move(accelerator)),
        parameters_(parameters),
        weights_(std::move(weights)) {}

  Accelerator& accelerator() const { return *accelerator_; }
  // For what holds memory of it.
  const std::shared_ptr<Accelerator>& shared_accelerator() const { return accelerator_; }
  const Hyperparameters& parameters() const { return parameters_; }
  const Weights& weights() const { return weights_; }
  size_t state() const { return static_cast<size_t>(parameters_.text_state); }

  // Memory for what is only needed during a call. It is kept for the next, and grows; what was in
  // it is lost then.
  template <typename T>
  absl::StatusOr<T*> Grow(Buffer& buffer, size_t count) {
    const size_t bytes = std::max(count, size_t{1}) * sizeof(T);
    if (bytes > buffer.bytes()) {
      // Records have the old address.
      accelerator_->ForgetRecords();
      buffer = Buffer();
      ASSIGN_OR_RETURN(buffer, Buffer::Make(*accelerator_, bytes));
    }
    return buffer.as<T>();
  }

  template <typename T>
  absl::StatusOr<T*> Put(Buffer& buffer, absl::Span<const T> values) {
    ASSIGN_OR_RETURN(T* const to, Grow<T>(buffer, values.size()));
    RETURN_IF_ERROR(accelerator_->Upload(to, values.data(), values.size() * sizeof(T)));
    return to;
  }

  template <typename Args>
  absl::Status Launch(const Args& args) {
    return accelerator_->Launch(args);
  }

  // Products of `rows` rows and more are done by `library` from now on, until it fails; `note` is
  // given the line that says so. ResourceExhausted, and nothing has changed, when there would be
  // less memory left than `reserved`.
  absl::Status UseLibrary(const BlasLibrary& library, int rows, size_t reserved,
                          std::function<void(absl::string_view)> note);
  bool UsesLibrary(int rows) const { return rows >= library_rows_; }

  // For people: the device, and the library where one is used.
  std::string Describe() const;

  // out = in * transposed(linear) + bias, and `epilogue` without its bias.
  absl::Status Multiply(const Linear& linear, const Half* in, int rows, Epilogue epilogue);

  // The same to several places, `rows` rows for each.
  absl::Status MultiplyEach(const Linear& linear, const Half* in, int rows,
                            absl::Span<Half* const> outs);

  // Of `rows` states, which are few: own kernels multiply them.
  absl::Status Logits(const Half* states, int rows, float* out);

  absl::Status Normalize(const Norm& norm, const float* in, int rows, Half* out);

  // x += linear(in).
  absl::Status AddTo(const Linear& linear, const Half* in, float* x, int rows);

  // x += mlp(norm(x)). `norm` and `wide`, of four times the columns, are written over.
  absl::Status Mlp(const EncoderLayer& layer, float* x, Half* norm, Half* wide, int rows);

 private:
  absl::StatusOr<Weight> Unpack(const Weight& weight);
  absl::Status Product(const Linear& linear, const Half* in, int rows, const Epilogue& epilogue);
  absl::Status MultiplyByOwn(const Linear& linear, const Half* in, int rows,
                             const Epilogue& epilogue);
  // Says so, once.
  void LeaveLibrary(const absl::Status& why);

  static constexpr int kNever = std::numeric_limits<int>::max();

  const std::shared_ptr<Accelerator> accelerator_;
  const Hyperparameters parameters_;
  const Weights weights_;

  // Of the largest matrix that is not f16.
  Buffer unpacked_;
  // What it has told the device may be in records, so that it stays when it is used no more.
  std::unique_ptr<Blas> library_;
  int library_rows_ = kNever;
  std::function<void(absl::string_view)> note_;
};

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_LAYERS_H_
