// The few calls of NVIDIA's management library (NVML) that detection needs. The library belongs to
// the driver, so it is looked for when the program runs and never linked.

#ifndef RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_NVML_H_
#define RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_NVML_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/select/provider/nvidia.h"

namespace rules_inference::select {

struct NvmlAnswer {
  std::string driver;      // "580.95.05"
  std::string driver_api;  // "13.0"
  std::vector<NvidiaDevice> devices;
};

// Asks the first of `libraries` that can be loaded. NotFound when none can be, or when the library
// says that there is no driver; another error when the driver does not answer.
absl::StatusOr<NvmlAnswer> AskNvml(const std::vector<std::string>& libraries);

}  // namespace rules_inference::select

#endif  // RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_NVML_H_
