#include "plugins/infer/cuda/layers.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/blas.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/weights.h"

namespace rules_inference::infer::cuda {
namespace {

size_t Elements(const Weight& weight) {
  return static_cast<size_t>(weight.rows) * static_cast<size_t>(weight.columns);
}

// Elements of the largest matrix that libraries cannot read and are asked to multiply with.
size_t LargestPacked(const Weights& weights) {
  size_t largest = 0;
  const auto add = [&](const Linear& linear) {
    if (linear.weight.type != WeightType::kF16) {
      largest = std::max(largest, Elements(linear.weight));
    }
  };
  const auto add_layer = [&](const EncoderLayer& layer) {
    for (const Linear* linear : {&layer.qkv, &layer.attention_out, &layer.mlp_in, &layer.mlp_out}) {
      add(*linear);
    }
  };
  for (const EncoderLayer& layer : weights.encoder) add_layer(layer);
  for (const DecoderLayer& layer : weights.decoder) {
    add_layer(layer.self);
    for (const Linear* linear : {&layer.cross_query, &layer.cross_kv, &layer.cross_out}) {
      add(*linear);
    }
  }
  return largest;
}

bool AddsToItself(const Epilogue& epilogue) {
  return epilogue.add != nullptr && epilogue.add == epilogue.out;
}

// A library has one place for its result. It adds before what is done here afterwards.
bool FitsLibrary(const Epilogue& epilogue, int rows) {
  if (epilogue.out_table != nullptr) return false;
  if ((epilogue.out != nullptr) == (epilogue.out_half != nullptr)) return false;
  return !AddsToItself(epilogue) || (epilogue.gelu == 0 && epilogue.add_period >= rows);
}

}  // namespace

absl::Status Layers::UseLibrary(const BlasLibrary& library, int rows, size_t reserved,
                                std::function<void(absl::string_view)> note) {
  Buffer unpacked;
  if (const size_t largest = LargestPacked(weights_); largest > 0) {
    ASSIGN_OR_RETURN(unpacked, Buffer::Make(*accelerator_, largest * sizeof(Half)));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Blas> blas, OpenBlas(library, *accelerator_));
  ASSIGN_OR_RETURN(const size_t available, accelerator_->FreeMemory());
  if (available < reserved) return absl::ResourceExhaustedError("not enough memory");
  unpacked_ = std::move(unpacked);
  library_ = std::move(blas);
  library_rows_ = rows;
  note_ = std::move(note);
  return absl::OkStatus();
}

void Layers::LeaveLibrary(const absl::Status& why) {
  library_rows_ = kNever;
  note_(absl::StrCat(library_->Describe(), " failed: ", why.message(),
                     "; going on with own kernels"));
}

std::string Layers::Describe() const {
  std::string text = accelerator_->Describe();
  if (library_rows_ != kNever) absl::StrAppend(&text, " with ", library_->Describe());
  return text;
}

absl::StatusOr<Weight> Layers::Unpack(const Weight& weight) {
  if (weight.type == WeightType::kF16) return weight;
  ASSIGN_OR_RETURN(Half* const out, Grow<Half>(unpacked_, Elements(weight)));
  RETURN_IF_ERROR(Launch(UnpackArgs{.weight = weight, .out = out}));
  return Weight{.rows = weight.rows, .columns = weight.columns, .quants = out};
}

absl::Status Layers::Product(const Linear& linear, const Half* in, int rows,
                             const Epilogue& epilogue) {
  const ProductArgs args = {.weight = static_cast<const Half*>(linear.weight.quants),
                            .in = in,
                            .rows = rows,
                            .columns = linear.weight.rows,
                            .depth = linear.weight.columns,
                            .out = epilogue.out,
                            .bias = epilogue.out != nullptr ? linear.bias : nullptr,
                            .add = AddsToItself(epilogue),
                            .out_half = epilogue.out_half,
                            .bias_half = epilogue.out != nullptr ? nullptr : linear.bias_half};
  return accelerator_->Call(
      [library = library_.get(), args](void* queue) { return library->Product(args, queue); });
}

absl::Status Layers::MultiplyByOwn(const Linear& linear, const Half* in, int rows,
                                   const Epilogue& epilogue) {
  if (rows <= kFewRows) {
    return Launch(GemvArgs{.weight = linear.weight, .in = in, .rows = rows, .epilogue = epilogue});
  }
  return Launch(GemmArgs{.weight = linear.weight, .in = in, .rows = rows, .epilogue = epilogue});
}

absl::Status Layers::Multiply(const Linear& linear, const Half* in, int rows, Epilogue epilogue) {
  epilogue.bias = linear.bias;
  if (!UsesLibrary(rows) || !FitsLibrary(epilogue, rows)) {
    return MultiplyByOwn(linear, in, rows, epilogue);
  }
  Linear unpacked = linear;
  ASSIGN_OR_RETURN(unpacked.weight, Unpack(linear.weight));
  if (const absl::Status status = Product(unpacked, in, rows, epilogue); !status.ok()) {
    LeaveLibrary(status);
    return MultiplyByOwn(linear, in, rows, epilogue);
  }
  if (AddsToItself(epilogue) || (epilogue.gelu == 0 && epilogue.add == nullptr)) {
    return absl::OkStatus();
  }
  return Launch(FinishArgs{.values = epilogue.out,
                           .halves = epilogue.out_half,
                           .rows = rows,
                           .columns = linear.weight.rows,
                           .gelu = epilogue.gelu,
                           .add = epilogue.add,
                           .add_period = epilogue.add_period});
}

absl::Status Layers::MultiplyEach(const Linear& linear, const Half* in, int rows,
                                  absl::Span<Half* const> outs) {
  Linear unpacked = linear;
  ASSIGN_OR_RETURN(unpacked.weight, Unpack(linear.weight));
  const size_t size = static_cast<size_t>(rows) * static_cast<size_t>(linear.weight.columns);
  for (size_t i = 0; i < outs.size(); ++i) {
    RETURN_IF_ERROR(Multiply(unpacked, in + i * size, rows, {.out_half = outs[i]}));
  }
  return absl::OkStatus();
}

absl::Status Layers::Logits(const Half* states, int rows, float* out) {
  return MultiplyByOwn({.weight = weights_.embedding}, states, rows, {.out = out});
}

absl::Status Layers::Normalize(const Norm& norm, const float* in, int rows, Half* out) {
  return Launch(NormArgs{.in = in,
                         .weight = norm.weight,
                         .bias = norm.bias,
                         .out = out,
                         .rows = rows,
                         .columns = parameters_.text_state});
}

absl::Status Layers::AddTo(const Linear& linear, const Half* in, float* x, int rows) {
  return Multiply(linear, in, rows, {.add = x, .add_period = rows, .out = x});
}

absl::Status Layers::Mlp(const EncoderLayer& layer, float* x, Half* norm, Half* wide, int rows) {
  RETURN_IF_ERROR(Normalize(layer.mlp_norm, x, rows, norm));
  RETURN_IF_ERROR(Multiply(layer.mlp_in, norm, rows, {.gelu = 1, .out_half = wide}));
  return AddTo(layer.mlp_out, wide, x, rows);
}

}  // namespace rules_inference::infer::cuda
