// The user's own Python installer, uv or pip: it knows the index, we never do.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_INSTALLER_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_INSTALLER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/inferctl/command.h"
#include "plugins/pypi/coverage.h"
#include "plugins/pypi/requirement.h"

namespace rules_inference::inferctl {

enum class Installer { kUv, kPip };

// "uv", "pip", or "auto": uv where it is installed, else pip. NotFound when it is not there.
absl::StatusOr<Installer> FindInstaller(absl::string_view choice);

// Resolves requirement files for one configuration, from wheels only; `glibc_minor` is the oldest
// glibc (2.N) of the machines that are meant. uv gives the digests of all files of a version, pip
// those of the files that it would install. What the installer says when it fails is in the error,
// without the urls of its index.
absl::StatusOr<std::vector<pypi::Requirement>> Resolve(Installer installer,
                                                       const std::vector<std::string>& files,
                                                       const pypi::Configuration& configuration,
                                                       int glibc_minor);

// Downloads the wheels of a lock for one configuration into a folder, by pip, which checks the
// digests.
absl::Status Download(Console& console, const std::string& lock,
                      const pypi::Configuration& configuration, int glibc_minor,
                      const std::string& folder);

// `text` without urls: "<url>" stands for each.
std::string WithoutUrls(absl::string_view text);

}  // namespace rules_inference::inferctl

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_INSTALLER_H_
