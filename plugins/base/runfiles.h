// Where the runfiles of a program are that `bazel run` starts.

#ifndef RULES_INFERENCE_PLUGINS_BASE_RUNFILES_H_
#define RULES_INFERENCE_PLUGINS_BASE_RUNFILES_H_

#include <string>

namespace rules_inference::base {

// `<program>.runfiles`, else the runfiles tree that the program itself lies in, else $RUNFILES_DIR,
// which may be empty.
std::string RunfilesOf(const std::string& program);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_RUNFILES_H_
