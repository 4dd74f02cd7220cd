// The version of everything that is built here; `.ci/lint` checks that MODULE.bazel has the same.

#ifndef RULES_INFERENCE_PLUGINS_BASE_VERSION_H_
#define RULES_INFERENCE_PLUGINS_BASE_VERSION_H_

namespace rules_inference::base {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_VERSION_H_
