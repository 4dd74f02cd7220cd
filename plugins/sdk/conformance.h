// Checks that a program keeps to the plugin interface, whatever its kind. Needs no valid request.

#ifndef RULES_INFERENCE_PLUGINS_SDK_CONFORMANCE_H_
#define RULES_INFERENCE_PLUGINS_SDK_CONFORMANCE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace rules_inference::sdk {

struct ConformanceResult {
  std::string check;
  absl::Status status;
};

// Runs all checks on the program at `plugin`; `kind` is what it must say of itself, or "" for any.
// Files that the checks need go to `temp_dir`.
std::vector<ConformanceResult> CheckConformance(const std::string& plugin, const std::string& kind,
                                                const std::string& temp_dir);

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_CONFORMANCE_H_
