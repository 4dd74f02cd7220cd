// Runs a program with given standard input and collects everything it says. For tests of plugins.

#ifndef RULES_INFERENCE_PLUGINS_SDK_PROCESS_H_
#define RULES_INFERENCE_PLUGINS_SDK_PROCESS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/sdk/worker_protocol.pb.h"

namespace rules_inference::sdk {

struct ProcessResult {
  // Exit code, or 128 + the number of the signal that ended the process.
  int exit_code = 0;
  std::string output;
  std::string error;
  // Highest resident set size, in KiB.
  long max_rss_kib = 0;
};

// `argv[0]` is the path of the program. Standard input is closed after `input`.
absl::StatusOr<ProcessResult> RunProcess(const std::vector<std::string>& argv,
                                         absl::string_view input = "");

// Requests as they go to a worker, and responses as they come back; an error when `bytes` are not
// whole responses.
std::string Delimited(const blaze::worker::WorkRequest& request);
absl::StatusOr<std::vector<blaze::worker::WorkResponse>> ParseResponses(absl::string_view bytes);

// A request with these arguments.
blaze::worker::WorkRequest MakeRequest(int id, const std::vector<std::string>& arguments);

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_PROCESS_H_
