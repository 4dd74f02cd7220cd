// Runs a program that answers a question: it gets a few bytes of standard input or none, and what
// it writes is collected.

#ifndef RULES_INFERENCE_PLUGINS_BASE_CHILD_PROCESS_H_
#define RULES_INFERENCE_PLUGINS_BASE_CHILD_PROCESS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rules_inference::base {

struct ChildAnswer {
  // Exit code, or 128 + the number of the signal that ended it.
  int exit_code = 0;
  std::string output;
  std::string error;
};

// `argv[0]` is a path, or a name that $PATH is searched for. What is over `max_stream` bytes of a
// stream is dropped. DeadlineExceeded when the child has not closed both after `timeout`; it is
// killed then. `input` has to fit into a pipe, 4096 bytes.
absl::StatusOr<ChildAnswer> AskChild(const std::vector<std::string>& argv,
                                     const std::vector<std::string>& environment,
                                     absl::Duration timeout, size_t max_stream = size_t{1} << 20,
                                     absl::string_view input = "");

// The environment of this process as "NAME=value" texts.
std::vector<std::string> OwnEnvironment();
// The same without `name`, and with `name`=`value` in its place unless `value` is empty.
std::vector<std::string> EnvironmentWith(const std::string& name, const std::string& value);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_CHILD_PROCESS_H_
