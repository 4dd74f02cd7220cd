// Requirement files, as pip reads them.

#ifndef RULES_INFERENCE_PLUGINS_PYPI_REQUIREMENT_H_
#define RULES_INFERENCE_PLUGINS_PYPI_REQUIREMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::pypi {

struct Requirement {
  enum class Kind : uint8_t {
    kIndex,  // "numpy>=2"
    kUrl,    // "numpy @ https://…/numpy.whl", or the url alone
    kVcs,    // "git+https://…", "numpy @ git+https://…"
  };

  Kind kind = Kind::kIndex;
  // As it is written, and as an index spells it.
  std::string name;
  std::string normalized;
  std::vector<std::string> extras;
  std::string specifier;  // ">=2,<3"; empty: any version.
  std::string marker;
  std::string url;
  std::vector<std::string> hashes;  // "sha256:…", as they are written.
  int line = 0;                     // The first one, from 1.
};

// Reads a file: comments, continued lines, hashes. Lines of options (-r, --index-url, …) are left
// out, as what they name is not in the file. A git url without a name has that of its repository, a
// url of a wheel the one in its file name. Errors read "requirements: <where>:<line>: got X,
// expected Y".
absl::StatusOr<std::vector<Requirement>> ParseRequirements(absl::string_view where,
                                                           absl::string_view text);

}  // namespace rules_inference::pypi

#endif  // RULES_INFERENCE_PLUGINS_PYPI_REQUIREMENT_H_
