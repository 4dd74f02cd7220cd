// Which of many requirements can be had, when an installer only says yes or no to all of them.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_AVAILABLE_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_AVAILABLE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rules_inference::inferctl {

// Asks for some requirements, by index: OK when they can be had together, NotFound when they
// cannot, with the installer's words; anything else ends the search. Called by several threads.
using AskInstaller = std::function<absl::Status(const std::vector<size_t>&)>;

struct Unavailable {
  size_t index = 0;
  // The answer when it was asked for alone.
  absl::Status status;
};

// `names`: the normalised names of the requirements. Those that cannot be had even alone, by index.
// All others together are not asked for again: that they do not agree with each other is the
// caller's to see. `jobs` questions at
// a time; 1 begins with all of them.
absl::StatusOr<std::vector<Unavailable>> FindUnavailable(const std::vector<std::string>& names,
                                                         const AskInstaller& ask, size_t jobs);

}  // namespace rules_inference::inferctl

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_AVAILABLE_H_
