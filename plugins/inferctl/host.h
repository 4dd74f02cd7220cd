// The machine that a subcommand is about: this one, or one that a descriptor describes.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_HOST_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_HOST_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/inferctl/command.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::inferctl {

// Reads and checks a lock: strict JSON, and the rules of plugins/select/lock.h. `*warnings`, unless
// null, gets what is allowed and not good.
absl::StatusOr<sdk::VariantsLock> ReadLock(Console& console, const std::string& file,
                                           std::vector<std::string>* warnings = nullptr);

// Reads a host descriptor that `inferctl detect` has written.
absl::StatusOr<sdk::HostDescriptor> ReadHost(Console& console, const std::string& file);

// Describes this machine; looks for the shared libraries that rows of `locks` need, and `sonames`.
// Remarks of providers go to standard error.
sdk::HostDescriptor DetectThisHost(Console& console, const std::vector<sdk::VariantsLock>& locks,
                                   std::vector<std::string> sonames);

// "NVIDIA GPU detected (compute capability 8.6, driver 580.95.05 for CUDA 13.0)"; empty without.
std::string GpuOf(const sdk::HostDescriptor& host);

}  // namespace rules_inference::inferctl

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_HOST_H_
