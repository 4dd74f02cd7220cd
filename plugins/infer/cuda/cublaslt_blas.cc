// Problem: cuBLASLt has hundreds of kernels for a product, and which one is taken decides the order
//   of sums, and so the last bits. What stands in a batch together must not change the results of
//   its neighbours (engine.h), and a batch is more rows of the same matrix.
// Idea: an algorithm is chosen once for each matrix and kind of result, for a product of
//   kChoiceRows rows, and is then taken for all numbers of rows that it can do. It is the first
//   that the library's heuristic names among those that do not split sums over blocks (their order
//   would hang on scheduling). Nothing is timed. The workspace is always the same.
// Invariant: a plan, once made, is never changed. The device, the version of the library and the
//   shape alone decide what it is.
// Cost: for each shape some microseconds of the host when it is first seen; a product then is one
//   call. Plans of more than kMostPlans shapes are made anew.
//
// The library has matrices by columns. What is [row][column] by rows is the transposed by columns,
// so transposed(out) = weight * transposed(in), where the bias belongs to rows.

#include "plugins/infer/cuda/cublaslt_blas.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/blas.h"
#include "plugins/infer/cuda/cublaslt_abi.h"
#include "plugins/infer/cuda/cublaslt_api.h"

namespace rules_inference::infer::cuda {
namespace {

using cublaslt::Api;

// One window of all models.
constexpr int kChoiceRows = 1500;
// What NVIDIA advises for Hopper; earlier devices are content with less.
constexpr size_t kWorkspace = size_t{32} << 20;
constexpr size_t kMostPlans = 2048;
// Rows of all matrices are multiples of 32 numbers of 16 bits, and matrices begin at such rows.
constexpr uint32_t kAlignment = 64;

// An object of the library, which its `destroy` ends.
class Object {
 public:
  using Destroy = int (*)(void*);

  explicit Object(Destroy destroy) : destroy_(destroy) {}
  ~Object() {
    if (object_ != nullptr) destroy_(object_);
  }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  void* get() const { return object_; }
  void** out() { return &object_; }

 private:
  Destroy destroy_;
  void* object_ = nullptr;
};

// rows, columns, depth, whether the result is f16, whether there is a bias.
using Shape = std::tuple<int, int, int, bool, bool>;

Shape ShapeOf(const ProductArgs& args) {
  const bool half = args.out_half != nullptr;
  const bool bias = half ? args.bias_half != nullptr : args.bias != nullptr;
  return {args.rows, args.columns, args.depth, half, bias};
}

struct Plan {
  explicit Plan(const Api& api)
      : operation(api.MatmulDescDestroy),
        weight(api.MatrixLayoutDestroy),
        in(api.MatrixLayoutDestroy),
        out(api.MatrixLayoutDestroy) {}

  Object operation;
  Object weight;
  Object in;
  Object out;
  cublaslt::Algorithm algorithm = {};
};

class CublasLtBlas : public Blas {
 public:
  CublasLtBlas(const Api& api, Buffer workspace)
      : api_(api),
        workspace_(std::move(workspace)),
        handle_(api.Destroy),
        preference_(api.MatmulPreferenceDestroy) {}

  // With the device current.
  absl::Status Init() {
    RETURN_IF_ERROR(Check(api_.Create(handle_.out()), "Create"));
    RETURN_IF_ERROR(
        Check(api_.MatmulPreferenceCreate(preference_.out()), "MatmulPreferenceCreate"));
    RETURN_IF_ERROR(Prefer(cublaslt::kMaxWorkspace, uint64_t{kWorkspace}));
    RETURN_IF_ERROR(Prefer(cublaslt::kReductionSchemes, cublaslt::kNoReduction));
    for (const int matrix : {cublaslt::kAlignmentA, cublaslt::kAlignmentB, cublaslt::kAlignmentC,
                             cublaslt::kAlignmentD}) {
      RETURN_IF_ERROR(Prefer(matrix, kAlignment));
    }
    return absl::OkStatus();
  }

  std::string Describe() const override {
    return absl::StrCat("cuBLASLt ", cublaslt::VersionText(api_.GetVersion()));
  }

  absl::Status Product(const ProductArgs& args, void* queue) override {
    ASSIGN_OR_RETURN(const Plan* const plan, PlanFor(args));
    RETURN_IF_ERROR(SetBias(*plan, args));
    constexpr float kOne = 1;
    const float beta = args.add ? 1 : 0;
    void* const out = args.out_half != nullptr ? static_cast<void*>(args.out_half) : args.out;
    return Check(
        api_.Matmul(handle_.get(), plan->operation.get(), &kOne, args.weight, plan->weight.get(),
                    args.in, plan->in.get(), &beta, out, plan->out.get(), out, plan->out.get(),
                    &plan->algorithm, workspace_.as<void>(), kWorkspace, queue),
        "Matmul");
  }

 private:
  absl::Status Check(int code, absl::string_view what) const {
    return cublaslt::ToStatus(api_, code, what);
  }

  template <typename Value>
  absl::Status Prefer(int attribute, const Value& value) {
    return Check(
        api_.MatmulPreferenceSetAttribute(preference_.get(), attribute, &value, sizeof(value)),
        "MatmulPreferenceSetAttribute");
  }

  template <typename Value>
  absl::Status Set(const Plan& plan, int attribute, const Value& value) const {
    return Check(
        api_.MatmulDescSetAttribute(plan.operation.get(), attribute, &value, sizeof(value)),
        "MatmulDescSetAttribute");
  }

  absl::Status SetBias(const Plan& plan, const ProductArgs& args) const {
    const void* const bias =
        args.out_half != nullptr ? static_cast<const void*>(args.bias_half) : args.bias;
    if (bias == nullptr) return absl::OkStatus();
    return Set(plan, cublaslt::kBiasPointer, bias);
  }

  // Without an algorithm.
  absl::StatusOr<std::unique_ptr<Plan>> Describe(const ProductArgs& args) const {
    auto plan = std::make_unique<Plan>(api_);
    const auto [rows, columns, depth, half, bias] = ShapeOf(args);
    const int type = half ? cublaslt::kHalf : cublaslt::kFloat;
    RETURN_IF_ERROR(Check(
        api_.MatmulDescCreate(plan->operation.out(), cublaslt::kComputeFloat, cublaslt::kFloat),
        "MatmulDescCreate"));
    RETURN_IF_ERROR(Set(*plan, cublaslt::kTransposeA, cublaslt::kTransposed));
    if (bias) {
      RETURN_IF_ERROR(Set(*plan, cublaslt::kEpilogue, cublaslt::kEpilogueBias));
      RETURN_IF_ERROR(Set(*plan, cublaslt::kBiasType, int32_t{type}));
      RETURN_IF_ERROR(SetBias(*plan, args));
    }
    RETURN_IF_ERROR(MakeLayout(plan->weight, cublaslt::kHalf, depth, columns));
    RETURN_IF_ERROR(MakeLayout(plan->in, cublaslt::kHalf, depth, rows));
    RETURN_IF_ERROR(MakeLayout(plan->out, type, columns, rows));
    return plan;
  }

  absl::Status MakeLayout(Object& layout, int type, int rows, int columns) const {
    return Check(api_.MatrixLayoutCreate(layout.out(), type, static_cast<uint64_t>(rows),
                                         static_cast<uint64_t>(columns), rows),
                 "MatrixLayoutCreate");
  }

  absl::Status Choose(Plan& plan) const {
    cublaslt::Choice choice = {};
    int found = 0;
    RETURN_IF_ERROR(
        Check(api_.MatmulAlgoGetHeuristic(handle_.get(), plan.operation.get(), plan.weight.get(),
                                          plan.in.get(), plan.out.get(), plan.out.get(),
                                          preference_.get(), 1, &choice, &found),
              "MatmulAlgoGetHeuristic"));
    if (found < 1 || choice.status != cublaslt::kSuccess) {
      return absl::UnimplementedError("no algorithm for a product");
    }
    plan.algorithm = choice.algorithm;
    return absl::OkStatus();
  }

  bool Does(const Plan& plan, const cublaslt::Algorithm& algorithm) const {
    cublaslt::Choice choice = {};
    return api_.MatmulAlgoCheck(handle_.get(), plan.operation.get(), plan.weight.get(),
                                plan.in.get(), plan.out.get(), plan.out.get(), &algorithm,
                                &choice) == cublaslt::kSuccess &&
           choice.workspace <= kWorkspace;
  }

  absl::StatusOr<const Plan*> PlanFor(const ProductArgs& args) {
    const Shape shape = ShapeOf(args);
    const auto known = plans_.find(shape);
    if (known != plans_.end()) return known->second.get();
    ASSIGN_OR_RETURN(std::unique_ptr<Plan> plan, Describe(args));
    const Plan* pattern = nullptr;
    if (args.rows != kChoiceRows) {
      ProductArgs chosen = args;
      chosen.rows = kChoiceRows;
      ASSIGN_OR_RETURN(pattern, PlanFor(chosen));
    }
    if (pattern != nullptr && Does(*plan, pattern->algorithm)) {
      plan->algorithm = pattern->algorithm;
    } else {
      RETURN_IF_ERROR(Choose(*plan));
    }
    if (plans_.size() >= kMostPlans) plans_.clear();
    return (plans_[shape] = std::move(plan)).get();
  }

  const Api& api_;
  const Buffer workspace_;
  Object handle_;
  Object preference_;
  absl::flat_hash_map<Shape, std::unique_ptr<Plan>> plans_;
};

}  // namespace

BlasLibrary CublasLt(const char* soname) {
  return {.name = "cuBLASLt",
          .open = [soname](Accelerator& accelerator) -> absl::StatusOr<std::unique_ptr<Blas>> {
            ASSIGN_OR_RETURN(const Api* const api, cublaslt::Load(soname));
            ASSIGN_OR_RETURN(Buffer workspace, Buffer::Make(accelerator, kWorkspace));
            auto blas = std::make_unique<CublasLtBlas>(*api, std::move(workspace));
            RETURN_IF_ERROR(accelerator.Call([&](void*) { return blas->Init(); }));
            return blas;
          }};
}

}  // namespace rules_inference::infer::cuda
