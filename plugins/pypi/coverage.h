// Which requirements a set of pins covers, per Python and platform: by set operations on
// normalised names, nothing is declared by hand.

#ifndef RULES_INFERENCE_PLUGINS_PYPI_COVERAGE_H_
#define RULES_INFERENCE_PLUGINS_PYPI_COVERAGE_H_

#include <cstdint>
#include <optional>
#include <set>
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
  std::string name;   // "numpy-2.1.0-cp312-….whl" or "numpy-2.1.0.tar.gz"
  uint64_t size = 0;  // 0: not known.
  std::string sha256;
  std::string license;
  std::vector<std::string> imports;
  std::string refused;
};

// One locked version of a distribution.
struct Pin {
  std::string name;  // Normalised.
  std::string version;
  // Where it counts; empty: everywhere.
  std::string marker;
  // The same as a list of names of Configuration, where the lock has one.
  std::optional<std::set<std::string>> used_in;
  std::vector<PinnedFile> files;
  // sha256 of files whose names are not known.
  std::set<std::string> hashes;
  // Of the version, whatever the file.
  std::string license;
  std::vector<std::string> imports;
};

struct Configuration {
  std::string python;    // "3.12"
  std::string platform;  // "linux-x86_64"

  // "3.12 linux-x86_64"
  std::string Name() const;
};

// What a lock says it does not have.
struct Absent {
  std::string configuration;  // Configuration::Name().
  std::string name;           // Normalised.
  sdk::CoverageCell::State state = sdk::CoverageCell::MISSING;
  std::string reason;
};

// All that is locked.
struct Locked {
  std::vector<Pin> pins;
  std::vector<Absent> absent;
};

// `locked` as it is after AddFacts. Collisions are found among wheels whose imports are known.
absl::StatusOr<sdk::CoverageReport> Cover(const std::vector<RequirementList>& lists,
                                          const Locked& locked,
                                          const std::vector<Configuration>& configurations);

// The pins of a requirements file with digests ("name==version --hash=…").
std::vector<Pin> PinsOf(const std::vector<Requirement>& requirements);

// Tells what wheels are: a fact counts where its digest is pinned, so facts never add a file to a
// lock.
void AddFacts(const sdk::WheelFacts& facts, std::vector<Pin>* pins);

// A table for a terminal, with totals; and a page of its own, without scripts.
std::string CoverageText(const sdk::CoverageReport& report);
std::string CoverageHtml(const sdk::CoverageReport& report);

// Whether anything is not covered, or collides.
bool HasGaps(const sdk::CoverageReport& report);

}  // namespace rules_inference::pypi

#endif  // RULES_INFERENCE_PLUGINS_PYPI_COVERAGE_H_
