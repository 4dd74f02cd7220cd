// A device that the CUDA engine runs on: memory and kernels. One is a GPU (cuda_accelerator.h), one
// is an executor on the CPU, for tests (simt_accelerator.h).

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_ACCELERATOR_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_ACCELERATOR_H_

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/cuda/kernel_args.h"

namespace rules_inference::infer::cuda {

// Does what it is told in order. Once it has failed, what it holds is lost, and all else fails,
// too.
class Accelerator {
 public:
  virtual ~Accelerator() = default;

  // For people: "cuda:0 (NVIDIA H200, sm_90)".
  virtual std::string Describe() const = 0;
  virtual absl::StatusOr<size_t> FreeMemory() = 0;

  // At least 256 bytes aligned. ResourceExhausted when there is no more.
  virtual absl::StatusOr<void*> Allocate(size_t bytes) = 0;
  virtual void Free(void* memory) = 0;

  // `from` may change as soon as it has returned.
  virtual absl::Status Upload(void* to, const void* from, size_t bytes) = 0;
  // When it has returned, all that was told before has been done.
  virtual absl::Status Download(void* to, const void* from, size_t bytes) = 0;

  virtual absl::Status Launch(Kernel kernel, const void* args, size_t bytes) = 0;

  // Calls `call` with the device current and the queue of its work, a cudaStream_t of a GPU: what
  // is told there is done in its turn. Within Replay `call` may be called later and again.
  virtual absl::Status Call(std::function<absl::Status(void* queue)> call) = 0;

  // The same launches again and again, each time at once: at the first time `launch` is called and
  // what it launches recorded, later the record of `key` runs, with the args of the first time.
  virtual absl::Status Replay(int key, absl::FunctionRef<absl::Status()> launch) = 0;
  virtual void ForgetRecords() = 0;

  template <typename Args>
  absl::Status Launch(const Args& args) {
    static_assert(sizeof(Args) <= kMaxArgs);
    return Launch(KernelOf(args), &args, sizeof(args));
  }
};

// Memory of an accelerator, freed at the end of its scope.
class Buffer {
 public:
  Buffer() = default;
  static absl::StatusOr<Buffer> Make(Accelerator& accelerator, size_t bytes) {
    absl::StatusOr<void*> data = accelerator.Allocate(bytes);
    if (!data.ok()) return data.status();
    return Buffer(accelerator, *data, bytes);
  }
  ~Buffer() {
    if (data_ != nullptr) accelerator_->Free(data_);
  }
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(accelerator_, other.accelerator_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  size_t bytes() const { return bytes_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  Buffer(Accelerator& accelerator, void* data, size_t bytes)
      : accelerator_(&accelerator), data_(data), bytes_(bytes) {}

  Accelerator* accelerator_ = nullptr;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

template <typename T>
absl::StatusOr<Buffer> UploadNew(Accelerator& accelerator, absl::Span<const T> values) {
  absl::StatusOr<Buffer> buffer = Buffer::Make(accelerator, values.size() * sizeof(T));
  if (!buffer.ok()) return buffer;
  const absl::Status status =
      accelerator.Upload(buffer->as<T>(), values.data(), values.size() * sizeof(T));
  if (!status.ok()) return status;
  return buffer;
}

// Runs kernels on small numbers and compares what comes out: a device whose driver is broken, or
// for which the program has no code, shows it here. Internal: "wrong results".
absl::Status CheckKernels(Accelerator& accelerator);

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_ACCELERATOR_H_
