// How many threads a computation should have on this machine.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CPU_CORES_H_
#define RULES_INFERENCE_PLUGINS_INFER_CPU_CORES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace rules_inference::infer {

// The cores that this process may use, at least 1: those that it is allowed to run on, two hardware
// threads of one core counted once, and not more than the quota of its cgroups, rounded up.
int UsableCores();

// For tests: the same for the processors `allowed`, with the files below `root`.
int UsableCores(const std::vector<int>& allowed, const std::string& root);

// Processors per unit of time that the text of a cgroup's cpu.max allows; absent if unlimited.
std::optional<double> ParseCpuMax(absl::string_view text);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CPU_CORES_H_
