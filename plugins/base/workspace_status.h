// Bazel's workspace status: lines of a key, a space and a value.

#ifndef RULES_INFERENCE_PLUGINS_BASE_WORKSPACE_STATUS_H_
#define RULES_INFERENCE_PLUGINS_BASE_WORKSPACE_STATUS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::base {

// The value of `key`, "" when there is none. It has to be a name as commits and versions have,
// which a source file can hold as it is: up to 100 letters, digits and any of ".+-_".
absl::StatusOr<absl::string_view> StatusName(absl::string_view status, absl::string_view key);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_WORKSPACE_STATUS_H_
