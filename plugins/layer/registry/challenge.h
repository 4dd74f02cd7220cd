// The header WWW-Authenticate.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_CHALLENGE_H_
#define RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_CHALLENGE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace rules_inference::layer::registry {

struct Challenge {
  // In lower case: "bearer", "basic".
  std::string scheme;
  // By names in lower case.
  std::map<std::string, std::string> parameters;
};

// All challenges of a header; several headers may be joined by line feeds. What is no challenge is
// passed over.
std::vector<Challenge> ParseChallenges(absl::string_view header);

}  // namespace rules_inference::layer::registry

#endif  // RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_CHALLENGE_H_
