#include "plugins/infer/cuda/simt_accelerator.h"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/launch.h"
#include "plugins/infer/cuda/simt.h"

namespace rules_inference::infer::cuda {
namespace {

struct Launcher {
  simt::Options options;

  template <typename K>
  int Run(int x, int y, int z, size_t shared, const typename K::Args& args) {
    simt::RunGrid(options, {x, y, z}, K::kThreads, shared,
                  [&args](char* memory) { K::Run(args, memory); });
    return 0;
  }
};

using Recorded = std::function<absl::Status()>;

class SimtAccelerator : public Accelerator {
 public:
  explicit SimtAccelerator(const SimtOptions& options)
      : options_(options), launcher_{options.order} {}

  ~SimtAccelerator() override {
    if (!buffers_.empty()) Die("memory of the device was not freed");
  }

  std::string Describe() const override { return "simt"; }

  absl::StatusOr<size_t> FreeMemory() override { return options_.memory - used_; }

  absl::StatusOr<void*> Allocate(size_t bytes) override {
    RETURN_IF_ERROR(Count());
    if (bytes > options_.memory - used_) return absl::ResourceExhaustedError("out of memory");
    auto fence = std::make_unique<simt::Fence>(bytes);
    void* const data = fence->data();
    used_ += bytes;
    buffers_[data] = std::move(fence);
    return data;
  }

  void Free(void* memory) override {
    const auto buffer = buffers_.find(memory);
    if (buffer == buffers_.end()) Die("memory is freed that is none");
    used_ -= buffer->second->size();
    buffers_.erase(buffer);
  }

  absl::Status Upload(void* to, const void* from, size_t bytes) override {
    RETURN_IF_ERROR(Count());
    if (bytes > 0) std::memcpy(to, from, bytes);
    return absl::OkStatus();
  }

  absl::Status Download(void* to, const void* from, size_t bytes) override {
    return Upload(to, from, bytes);
  }

  absl::Status Launch(Kernel kernel, const void* args, size_t bytes) override {
    RETURN_IF_ERROR(Count());
    if (recording_ != nullptr) {
      const char* const data = static_cast<const char*>(args);
      recording_->push_back([this, kernel, copy = std::vector<char>(data, data + bytes)] {
        return Launch(kernel, copy.data(), copy.size());
      });
      return absl::OkStatus();
    }
    cuda::Launch(launcher_, kernel, args);
    return absl::OkStatus();
  }

  absl::Status Call(std::function<absl::Status(void* queue)> call) override {
    RETURN_IF_ERROR(Count());
    if (recording_ != nullptr) {
      recording_->push_back([this, call = std::move(call)] { return Call(call); });
      return absl::OkStatus();
    }
    return call(nullptr);
  }

  absl::Status Replay(int key, absl::FunctionRef<absl::Status()> launch) override {
    if (!records_.contains(key)) {
      std::vector<Recorded> calls;
      recording_ = &calls;
      const absl::Status status = launch();
      recording_ = nullptr;
      RETURN_IF_ERROR(status);
      records_[key] = std::move(calls);
    }
    for (const Recorded& call : records_[key]) RETURN_IF_ERROR(call());
    return absl::OkStatus();
  }

  void ForgetRecords() override { records_.clear(); }

 private:
  [[noreturn]] static void Die(const char* what) {
    std::fprintf(stderr, "simt: %s\n", what);
    std::abort();
  }

  absl::Status Count() {
    if (options_.fail_at >= 0 && calls_++ >= options_.fail_at) {
      return absl::InternalError("the device is lost");
    }
    return absl::OkStatus();
  }

  const SimtOptions options_;
  Launcher launcher_;
  int calls_ = 0;
  size_t used_ = 0;
  std::map<void*, std::unique_ptr<simt::Fence>> buffers_;
  std::map<int, std::vector<Recorded>> records_;
  std::vector<Recorded>* recording_ = nullptr;
};

}  // namespace

std::unique_ptr<Accelerator> NewSimtAccelerator(const SimtOptions& options) {
  return std::make_unique<SimtAccelerator>(options);
}

}  // namespace rules_inference::infer::cuda
