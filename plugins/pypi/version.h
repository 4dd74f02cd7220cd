// Versions of Python distributions and what is asked of them (PEP 440).

#ifndef RULES_INFERENCE_PLUGINS_PYPI_VERSION_H_
#define RULES_INFERENCE_PLUGINS_PYPI_VERSION_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::pypi {

class Version {
 public:
  // Every spelling that PEP 440 normalises: "1.0", "v1.0", "1!2.0-RC.1", "1.0.post2.dev3+cu130".
  static std::optional<Version> Parse(absl::string_view text);

  // Before 1.0: 1.0.dev1, 1.0a1.dev1, 1.0a1, 1.0rc1; after it: 1.0+local, 1.0.post1. 1.0 is 1.0.0.
  std::strong_ordering operator<=>(const Version& other) const;
  bool operator==(const Version& other) const { return (*this <=> other) == 0; }

  // "1.0+cu130" without "+cu130".
  Version Public() const;
  bool is_prerelease() const { return pre_.has_value() || dev_.has_value(); }
  bool is_postrelease() const { return post_.has_value(); }
  bool has_local() const { return !local_.empty(); }
  uint64_t epoch() const { return epoch_; }
  const std::vector<uint64_t>& release() const { return release_; }

 private:
  // A part of a local version: numbers are above words.
  struct LocalPart {
    bool is_number = false;
    uint64_t number = 0;
    std::string word;
    friend auto operator<=>(const LocalPart&, const LocalPart&) = default;
  };

  uint64_t epoch_ = 0;
  std::vector<uint64_t> release_;  // At least one.
  // {0, 1, 2} for a, b, rc, and the number.
  std::optional<std::pair<int, uint64_t>> pre_;
  std::optional<uint64_t> post_;
  std::optional<uint64_t> dev_;
  std::vector<LocalPart> local_;
};

// Whether `version` is one of those that a specifier set allows: ">=1.2,<2,!=1.5.*". Prereleases
// count as all others do: whether to take them is the resolver's question. InvalidArgument for a
// set that is none.
absl::StatusOr<bool> Satisfies(const Version& version, absl::string_view specifiers);

}  // namespace rules_inference::pypi

#endif  // RULES_INFERENCE_PLUGINS_PYPI_VERSION_H_
