// What a wheel's own bytes tell of it: size, digest, license, and what it brings to `import`.

#ifndef RULES_INFERENCE_PLUGINS_PYPI_WHEEL_FACTS_H_
#define RULES_INFERENCE_PLUGINS_PYPI_WHEEL_FACTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/coverage.pb.h"

namespace rules_inference::pypi {

// Reads a wheel. One that an unpacker would refuse (base/wheel/wheel.h) says so in `refused`, and
// what else is told of it is what its zip file says, as far as that can be read.
absl::StatusOr<sdk::WheelFact> ReadWheelFacts(base::FileSystem& files, const std::string& path);

// The license of a METADATA file: License-Expression, else its classifiers ("MIT License; …"), else
// the first line of License. Empty: none of them says anything.
std::string LicenseOfMetadata(absl::string_view text);

// A file of a wheel, below site-packages.
struct LibraryFile {
  std::string path;
  uint64_t size = 0;
};

// What can be imported from these files, as paths: modules at the top, and the outermost packages
// with an `__init__`. One whose `__init__` is empty and alone in its directory is a namespace that
// several wheels may have, so what is inside counts instead.
std::vector<std::string> ImportsOf(const std::vector<LibraryFile>& files);

}  // namespace rules_inference::pypi

#endif  // RULES_INFERENCE_PLUGINS_PYPI_WHEEL_FACTS_H_
