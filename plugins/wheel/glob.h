// Patterns for paths.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_GLOB_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_GLOB_H_

#include "absl/strings/string_view.h"

namespace rules_inference::wheel {

// Whether `pattern` matches the whole of `path`: `?` stands for one byte and `*` for any number of
// bytes other than '/', `**` for any bytes, and `**/` at the start of a component also for nothing.
bool GlobMatches(absl::string_view pattern, absl::string_view path);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_GLOB_H_
