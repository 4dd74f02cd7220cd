// A requirements file with digests for several Pythons and platforms, from one resolution for each.

#ifndef RULES_INFERENCE_PLUGINS_PYPI_LOCK_TEXT_H_
#define RULES_INFERENCE_PLUGINS_PYPI_LOCK_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/pypi/coverage.h"
#include "plugins/pypi/requirement.h"
#include "plugins/sdk/coverage.pb.h"

namespace rules_inference::pypi {

// What an installer has answered for one configuration: requirements with one version each and
// their digests.
struct Resolution {
  Configuration configuration;
  std::vector<Requirement> requirements;
};

// The lock: one entry for each name and version, sorted, with all digests that any configuration
// has of it, and a marker where not all configurations have it. A version without a sha256 digest
// is an error, and so is a requirement that is not a version: "wheels lock: <name>: got X, expected
// Y". The text depends on the answers alone, not on their order.
absl::StatusOr<std::string> LockText(const std::vector<Resolution>& resolutions,
                                     absl::string_view head);

// A comment of a lock about what it does not have, ending with a newline; and what such comments of
// a lock say:
//   # Not locked for 3.12 on linux-x86_64: dlib: source archive only (all versions of dlib have no
//   usable wheels)
std::string AbsentLine(const Configuration& configuration, absl::string_view name,
                       sdk::CoverageCell::State state, absl::string_view reason);
std::vector<Absent> AbsentOf(absl::string_view lock);

// The entries of a lock that count for a configuration, without markers.
absl::StatusOr<std::string> LockFor(const std::vector<Requirement>& lock,
                                    const Configuration& configuration);

// What changed between two locks, a line each; empty when nothing did:
//   + name 1.0
//   - name 1.0
//   ~ name 1.0 -> 1.1
//   ~ name 1.0: other digests
std::string LockDiff(const std::vector<Requirement>& before, const std::vector<Requirement>& after);

}  // namespace rules_inference::pypi

#endif  // RULES_INFERENCE_PLUGINS_PYPI_LOCK_TEXT_H_
