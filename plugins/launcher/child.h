// Runs a small program that answers a question, apart from everything that belongs to the program
// that will be started: it reads nothing of standard input and writes nothing to standard output.

#ifndef RULES_INFERENCE_PLUGINS_LAUNCHER_CHILD_H_
#define RULES_INFERENCE_PLUGINS_LAUNCHER_CHILD_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace rules_inference::launcher {

struct ChildAnswer {
  // Exit code, or 128 + the number of the signal that ended it.
  int exit_code = 0;
  std::string output;
  std::string error;
};

// `argv[0]` is a path. Each stream is read up to 1 MiB. DeadlineExceeded when the child has not
// closed both after `timeout`; it is killed then.
absl::StatusOr<ChildAnswer> AskChild(const std::vector<std::string>& argv,
                                     const std::vector<std::string>& environment,
                                     absl::Duration timeout);

// The environment of this process as "NAME=value" texts.
std::vector<std::string> OwnEnvironment();
// The same without `name`, and with `name`=`value` in its place unless `value` is empty.
std::vector<std::string> EnvironmentWith(const std::string& name, const std::string& value);

}  // namespace rules_inference::launcher

#endif  // RULES_INFERENCE_PLUGINS_LAUNCHER_CHILD_H_
