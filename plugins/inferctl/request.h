// The flags that say what is asked for of a lock; the same in every subcommand that selects.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_REQUEST_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_REQUEST_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "plugins/inferctl/command.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::inferctl {

struct RequestOptions {
  std::string request = "auto";
  std::vector<std::string> chain;
  bool no_fallback = false;
  std::string devices = "all";
  std::string host;
  bool unknown_host = false;
  std::string platform;
};

void AddRequestOptions(CLI::App& command, RequestOptions* options);

// The request for one lock. Detects this machine when no other one is named.
absl::StatusOr<sdk::SelectRequest> MakeRequest(Console& console, const RequestOptions& options,
                                               const sdk::VariantsLock& lock);

}  // namespace rules_inference::inferctl

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_REQUEST_H_
