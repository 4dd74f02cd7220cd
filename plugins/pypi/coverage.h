// Which requirements a set of pins covers, per Python and platform: by set operations on
// normalised names, nothing is declared by hand.

#ifndef RULES_INFERENCE_PLUGINS_PYPI_COVERAGE_H_
#define RULES_INFERENCE_PLUGINS_PYPI_COVERAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/pypi/requirement.h"
#include "plugins/sdk/coverage.pb.h"

namespace rules_inference::pypi {

// A requirement list, under the name that the report gives it.
struct RequirementList {
  std::string name;
  std::vector<Requirement> requirements;
};

struct PinnedFile {
  std::string name;  // "numpy-2.1.0-cp312-….whl" or "numpy-2.1.0.tar.gz"
  uint64_t size = 0;
};

// One locked version of a distribution.
struct Pin {
  std::string name;  // Normalised.
  std::string version;
  // Where it counts; empty: everywhere.
  std::string marker;
  // Empty: the lock has digests only.
  std::vector<PinnedFile> files;
  std::string license;
};

struct Configuration {
  std::string python;    // "3.12"
  std::string platform;  // "linux-x86_64"
};

// Distributions that own files of the same path, as pairs of normalised names.
using Collisions = std::vector<std::pair<std::string, std::string>>;

absl::StatusOr<sdk::CoverageReport> Cover(const std::vector<RequirementList>& lists,
                                          const std::vector<Pin>& pins,
                                          const std::vector<Configuration>& configurations,
                                          const Collisions& collisions = {});

// The pins of a requirements file with digests ("name==version --hash=…").
std::vector<Pin> PinsOf(const std::vector<Requirement>& requirements);

// A table for a terminal, with totals; and a page of its own, without scripts.
std::string CoverageText(const sdk::CoverageReport& report);
std::string CoverageHtml(const sdk::CoverageReport& report);

// Whether anything is not covered, or collides.
bool HasGaps(const sdk::CoverageReport& report);

}  // namespace rules_inference::pypi

#endif  // RULES_INFERENCE_PLUGINS_PYPI_COVERAGE_H_
