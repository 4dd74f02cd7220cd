// Whether a program can be started on this machine, asked before it is: after execve there is no
// way back.

#ifndef RULES_INFERENCE_PLUGINS_LAUNCHER_PREFLIGHT_H_
#define RULES_INFERENCE_PLUGINS_LAUNCHER_PREFLIGHT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/child_process.h"
#include "plugins/base/file_system.h"

namespace rules_inference::launcher {

// Why `program` cannot be started, as a few words ("libcudart.so.12 is missing"); nothing when
// there is no reason that is known. `sonames` must be there as well, though the program may load
// them late.
std::optional<std::string> WhyNotStart(base::FileSystem& files, const std::string& program,
                                       absl::Span<const std::string> sonames);

// The same, from what the loader of a program says to `--list`.
std::optional<std::string> WhyNotLoad(const base::ChildAnswer& answer,
                                      absl::Span<const std::string> sonames);

}  // namespace rules_inference::launcher

#endif  // RULES_INFERENCE_PLUGINS_LAUNCHER_PREFLIGHT_H_
