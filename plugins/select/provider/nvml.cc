#include "plugins/select/provider/nvml.h"

#include <dlfcn.h>

#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "plugins/select/provider/nvidia.h"

namespace rules_inference::select {
namespace {

// The interface as NVIDIA documents it in nvml.h; names and types of version 2 of a call where
// there is one, as all drivers that matter (450 and up) have them.
using Device = struct NvmlDeviceOpaque*;
struct Memory {
  unsigned long long total;  // NOLINT(google-runtime-int): the type of the interface.
  unsigned long long free;   // NOLINT(google-runtime-int)
  unsigned long long used;   // NOLINT(google-runtime-int)
};
constexpr int kSuccess = 0;
constexpr int kDriverNotLoaded = 9;
constexpr int kTextSize = 96;

struct Nvml {
  int (*init)();
  int (*shutdown)();
  const char* (*error)(int);
  int (*driver)(char*, unsigned);
  int (*cuda)(int*);
  int (*count)(unsigned*);
  int (*handle)(unsigned, Device*);
  int (*capability)(Device, int*, int*);
  int (*name)(Device, char*, unsigned);
  int (*uuid)(Device, char*, unsigned);
  int (*memory)(Device, Memory*);
};

template <typename Function>
bool Load(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

bool LoadAll(void* library, Nvml* nvml) {
  return Load(library, "nvmlInit_v2", &nvml->init) &&
         Load(library, "nvmlShutdown", &nvml->shutdown) &&
         Load(library, "nvmlErrorString", &nvml->error) &&
         Load(library, "nvmlSystemGetDriverVersion", &nvml->driver) &&
         Load(library, "nvmlSystemGetCudaDriverVersion_v2", &nvml->cuda) &&
         Load(library, "nvmlDeviceGetCount_v2", &nvml->count) &&
         Load(library, "nvmlDeviceGetHandleByIndex_v2", &nvml->handle) &&
         Load(library, "nvmlDeviceGetCudaComputeCapability", &nvml->capability) &&
         Load(library, "nvmlDeviceGetName", &nvml->name) &&
         Load(library, "nvmlDeviceGetUUID", &nvml->uuid) &&
         Load(library, "nvmlDeviceGetMemoryInfo", &nvml->memory);
}

absl::Status Failed(const Nvml& nvml, const char* call, int code) {
  return absl::InternalError(absl::StrCat(call, ": ", nvml.error(code)));
}

absl::StatusOr<NvmlAnswer> Ask(const Nvml& nvml) {
  NvmlAnswer answer;
  char text[kTextSize] = {};
  int code = nvml.driver(text, kTextSize);
  if (code != kSuccess) return Failed(nvml, "nvmlSystemGetDriverVersion", code);
  answer.driver = text;
  int cuda = 0;
  code = nvml.cuda(&cuda);
  if (code != kSuccess) return Failed(nvml, "nvmlSystemGetCudaDriverVersion", code);
  answer.driver_api = CudaRelease(cuda);
  unsigned count = 0;
  code = nvml.count(&count);
  if (code != kSuccess) return Failed(nvml, "nvmlDeviceGetCount", code);
  for (unsigned index = 0; index < count; ++index) {
    Device handle = nullptr;
    // A device that this user or container may not open is not one that a program sees.
    if (nvml.handle(index, &handle) != kSuccess) continue;
    NvidiaDevice found;
    int major = 0;
    int minor = 0;
    code = nvml.capability(handle, &major, &minor);
    if (code != kSuccess) return Failed(nvml, "nvmlDeviceGetCudaComputeCapability", code);
    found.device.set_compute_capability(absl::StrCat(major, ".", minor));
    if (nvml.name(handle, text, kTextSize) == kSuccess) found.device.set_name(text);
    if (nvml.uuid(handle, text, kTextSize) == kSuccess) found.uuid = text;
    Memory memory = {};
    if (nvml.memory(handle, &memory) == kSuccess) found.device.set_memory_bytes(memory.total);
    answer.devices.push_back(found);
  }
  return answer;
}

}  // namespace

absl::StatusOr<NvmlAnswer> AskNvml(const std::vector<std::string>& libraries) {
  void* library = nullptr;
  for (const std::string& name : libraries) {
    library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) break;
  }
  if (library == nullptr) {
    return absl::NotFoundError(absl::StrCat("none of ", absl::StrJoin(libraries, ", "), " loads"));
  }
  const absl::Cleanup close = [library] { dlclose(library); };
  Nvml nvml = {};
  if (!LoadAll(library, &nvml)) {
    return absl::FailedPreconditionError(
        "libnvidia-ml.so.1 lacks a call that drivers have since release 450");
  }
  const int code = nvml.init();
  if (code == kDriverNotLoaded) return absl::NotFoundError("the kernel has no NVIDIA driver");
  if (code != kSuccess) return Failed(nvml, "nvmlInit", code);
  absl::StatusOr<NvmlAnswer> answer = Ask(nvml);
  nvml.shutdown();
  return answer;
}

}  // namespace rules_inference::select
