#include "plugins/infer/cuda/cuda_accelerator.h"

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/launch_cuda.h"
#include "rules/cuda/device.h"

namespace rules_inference::infer::cuda {
namespace {

absl::Status ToStatus(int code, absl::string_view what) {
  const auto error = static_cast<cudaError_t>(code);
  if (error == cudaSuccess) return absl::OkStatus();
  cudaGetLastError();  // Errors that pass are told once.
  const std::string message = absl::StrCat(what, ": ", cudaGetErrorString(error));
  return error == cudaErrorMemoryAllocation ? absl::ResourceExhaustedError(message)
                                            : absl::InternalError(message);
}

class CudaAccelerator : public Accelerator {
 public:
  CudaAccelerator(int index, std::string description)
      : index_(index), description_(std::move(description)) {}

  absl::Status Init() {
    RETURN_IF_ERROR(Enter());
    RETURN_IF_ERROR(ToStatus(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "stream"));
    int pools = 0;
    if (cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, index_) == cudaSuccess &&
        pools != 0) {
      // Memory that was freed is kept for the next decoding: to get it from the driver takes longer
      // than to decode.
      uint64_t all = std::numeric_limits<uint64_t>::max();
      has_pool_ =
          cudaDeviceGetDefaultMemPool(&pool_, index_) == cudaSuccess &&
          cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &all) == cudaSuccess;
    }
    cudaGetLastError();
    return absl::OkStatus();
  }

  ~CudaAccelerator() override {
    if (!Enter().ok()) return;
    ForgetRecords();
    if (stream_ == nullptr) return;
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
    if (has_pool_) cudaMemPoolTrimTo(pool_, 0);
  }

  std::string Describe() const override { return description_; }

  absl::StatusOr<size_t> FreeMemory() override {
    RETURN_IF_ERROR(Enter());
    size_t available = 0;
    size_t total = 0;
    RETURN_IF_ERROR(ToStatus(cudaMemGetInfo(&available, &total), "memory"));
    return available;
  }

  absl::StatusOr<void*> Allocate(size_t bytes) override {
    RETURN_IF_ERROR(Enter());
    void* memory = nullptr;
    const cudaError_t error =
        has_pool_ ? cudaMallocAsync(&memory, bytes, stream_) : cudaMalloc(&memory, bytes);
    RETURN_IF_ERROR(ToStatus(error, "memory"));
    return memory;
  }

  void Free(void* memory) override {
    if (!Enter().ok()) return;
    if (has_pool_) {
      cudaFreeAsync(memory, stream_);
    } else {
      cudaFree(memory);
    }
  }

  absl::Status Upload(void* to, const void* from, size_t bytes) override {
    RETURN_IF_ERROR(Enter());
    // From pageable memory: it returns when the driver has its own copy.
    return ToStatus(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_), "upload");
  }

  absl::Status Download(void* to, const void* from, size_t bytes) override {
    RETURN_IF_ERROR(Enter());
    RETURN_IF_ERROR(
        ToStatus(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_), "download"));
    return ToStatus(cudaStreamSynchronize(stream_), "kernels");
  }

  absl::Status Launch(Kernel kernel, const void* args, size_t /*bytes*/) override {
    RETURN_IF_ERROR(Enter());
    return ToStatus(RulesInferenceInferLaunch(stream_, static_cast<int>(kernel), args), "launch");
  }

  absl::Status Call(std::function<absl::Status(void* queue)> call) override {
    RETURN_IF_ERROR(Enter());
    return call(stream_);
  }

  absl::Status Replay(int key, absl::FunctionRef<absl::Status()> launch) override {
    RETURN_IF_ERROR(Enter());
    const auto record = records_.find(key);
    if (record != records_.end()) {
      return ToStatus(cudaGraphLaunch(record->second, stream_), "graph");
    }
    RETURN_IF_ERROR(
        ToStatus(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "graph"));
    const absl::Status launched = launch();
    cudaGraph_t graph = nullptr;
    const absl::Status captured = ToStatus(cudaStreamEndCapture(stream_, &graph), "graph");
    if (!launched.ok() || !captured.ok()) {
      if (graph != nullptr) cudaGraphDestroy(graph);
      return launched.ok() ? captured : launched;
    }
    cudaGraphExec_t executable = nullptr;
    const absl::Status made = ToStatus(cudaGraphInstantiate(&executable, graph, 0), "graph");
    cudaGraphDestroy(graph);
    RETURN_IF_ERROR(made);
    records_[key] = executable;
    return ToStatus(cudaGraphLaunch(executable, stream_), "graph");
  }

  void ForgetRecords() override {
    for (const auto& [key, graph] : records_) cudaGraphExecDestroy(graph);
    records_.clear();
  }

 private:
  // Calls may come from different threads; which device is current is of each.
  absl::Status Enter() const { return ToStatus(cudaSetDevice(index_), "device"); }

  const int index_;
  const std::string description_;
  cudaStream_t stream_ = nullptr;
  cudaMemPool_t pool_ = nullptr;
  bool has_pool_ = false;
  absl::flat_hash_map<int, cudaGraphExec_t> records_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Accelerator>> NewCudaAccelerator(int index) {
  if (const std::string reason = rules_inference::cuda::WhyNoGpu(); !reason.empty()) {
    return absl::UnavailableError(reason);
  }
  int devices = 0;
  RETURN_IF_ERROR(ToStatus(cudaGetDeviceCount(&devices), "devices"));
  if (index < 0 || index >= devices) {
    return absl::UnavailableError(absl::StrCat("no device ", index, ", there are ", devices));
  }
  cudaDeviceProp properties;
  RETURN_IF_ERROR(ToStatus(cudaGetDeviceProperties(&properties, index), "device"));
  const std::string name =
      absl::StrCat(properties.name, ", sm_", properties.major, properties.minor);
  RETURN_IF_ERROR(ToStatus(cudaSetDevice(index), "device"));
  if (RulesInferenceInferHasCode() != 0) {
    return absl::UnavailableError(absl::StrCat("the program has no code for ", name));
  }
  auto accelerator =
      std::make_unique<CudaAccelerator>(index, absl::StrCat("cuda:", index, " (", name, ")"));
  RETURN_IF_ERROR(accelerator->Init());
  return accelerator;
}

}  // namespace rules_inference::infer::cuda
