// Which Python and platform a wheel is for, by its file name (PEP 427, 425, 600, 656).

#ifndef RULES_INFERENCE_PLUGINS_PYPI_TAG_H_
#define RULES_INFERENCE_PLUGINS_PYPI_TAG_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace rules_inference::pypi {

struct WheelName {
  std::string distribution;
  std::string version;
  std::string build;
  // Each may be several: "py2.py3".
  std::vector<std::string> pythons;
  std::vector<std::string> abis;
  std::vector<std::string> platforms;
};

// Nothing for a name that is not a wheel's.
std::optional<WheelName> ParseWheelName(absl::string_view file);

// Whether CPython `python` ("3.12", "3.13t") on `platform` ("linux-x86_64") installs such a wheel,
// on a system with glibc 2.`glibc_minor` (or any macOS).
bool WheelFits(const WheelName& wheel, absl::string_view python, absl::string_view platform,
               int glibc_minor = 39);

// How well it fits, for the best of several: less is better, in the order that pip has, build tags
// left aside. Nothing when it does not fit.
std::optional<int> WheelRank(const WheelName& wheel, absl::string_view python,
                             absl::string_view platform, int glibc_minor = 39);

}  // namespace rules_inference::pypi

#endif  // RULES_INFERENCE_PLUGINS_PYPI_TAG_H_
