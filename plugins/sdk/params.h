// Expands params files: the way a long request reaches a plugin.

#ifndef RULES_INFERENCE_PLUGINS_SDK_PARAMS_H_
#define RULES_INFERENCE_PLUGINS_SDK_PARAMS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace rules_inference::sdk {

struct ParamsLimits {
  // Of all params files of a request together.
  size_t max_bytes = size_t{64} << 20;
  size_t max_lines = 1'000'000;
};

// The lines of a request. `@FILE` stands for the lines of FILE (Bazel's "multiline" format: one
// line per argument, no quoting), `@@x` for the line `@x`, anything else for itself. In a file
// `@@x` is `@x` too, but `@FILE` is an error: params files do not nest. Lines end with LF; the last
// one need not. Refused: CR before LF or at the end, NUL, more than `limits`.
//
// `sandbox_dir`, when not empty, stands in front of FILE.
absl::StatusOr<std::vector<std::string>> ExpandParams(absl::Span<const std::string> arguments,
                                                      absl::string_view sandbox_dir = "",
                                                      const ParamsLimits& limits = ParamsLimits());

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_PARAMS_H_
