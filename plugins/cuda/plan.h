// What nvcc would do: the commands that `nvcc --dryrun` prints, as argument lists.

#ifndef RULES_INFERENCE_PLUGINS_CUDA_PLAN_H_
#define RULES_INFERENCE_PLUGINS_CUDA_PLAN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::cuda {

using Command = std::vector<std::string>;

// Commands of the lines that start with "#$ ", in order. Settings (`NAME=value`) are taken out and
// put in where a command names them. An error for a quote that does not end.
absl::StatusOr<std::vector<Command>> ParsePlan(absl::string_view text);

// Last part of the path of the command's program.
absl::string_view Program(const Command& command);

// The value after `flag`, or in `flag`=value; "" when there is none.
absl::string_view FlagValue(const Command& command, absl::string_view flag);

// Paths that a dependency file of the C preprocessor names, without its target: each once, sorted,
// and without "." and ".." where these follow a name.
std::vector<std::string> ParseDependencies(absl::string_view text);

}  // namespace rules_inference::cuda

#endif  // RULES_INFERENCE_PLUGINS_CUDA_PLAN_H_
