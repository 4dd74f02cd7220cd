// Environment markers (PEP 508): whether a requirement counts for a Python on a platform.

#ifndef RULES_INFERENCE_PLUGINS_PYPI_MARKER_H_
#define RULES_INFERENCE_PLUGINS_PYPI_MARKER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::pypi {

// Names of marker variables and their values.
using MarkerEnvironment = std::map<std::string, std::string>;

// Of CPython `python` ("3.12") on "linux-x86_64" and the like. What only a running machine knows
// (platform_release, platform_version) is not in it. InvalidArgument for what is neither.
absl::StatusOr<MarkerEnvironment> EnvironmentOf(absl::string_view python,
                                                absl::string_view platform);

// `extras` are those that are asked for: `extra == "gpu"` holds for each of them. InvalidArgument
// for a marker that is none or asks for what `environment` does not know.
absl::StatusOr<bool> EvaluateMarker(absl::string_view marker, const MarkerEnvironment& environment,
                                    const std::vector<std::string>& extras);

}  // namespace rules_inference::pypi

#endif  // RULES_INFERENCE_PLUGINS_PYPI_MARKER_H_
