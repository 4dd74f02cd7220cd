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
#include "plugins/sdk/coverage.pb.h"

namespace rules_inference::inferctl {

enum class Installer { kUv, kPip };

// "uv", "pip", or "auto": uv where it is installed, else pip. NotFound when it is not there.
absl::StatusOr<Installer> FindInstaller(absl::string_view choice);

// Resolves requirement files for one configuration, from wheels only; `glibc_minor` is the oldest
// glibc (2.N) of the machines that are meant. uv gives the digests of all files of a version, pip
// those of the files that it would install. NotFound: the installer says that there is no solution,
// and the message has its reason in one line; InstallerSaid has all that it said. What may pass (no
// connection, a server that is busy) is tried three times and then Unavailable.
// Without `dependencies` only the requirements themselves are looked for.
absl::StatusOr<std::vector<pypi::Requirement>> Resolve(Installer installer,
                                                       const std::vector<std::string>& files,
                                                       const pypi::Configuration& configuration,
                                                       int glibc_minor, bool dependencies = true);

// All that the installer said when it failed, as Scrubbed; empty for other errors.
std::string InstallerSaid(const absl::Status& status);

// The reason in one line of what an installer said, and what it is about.
std::string ReasonOf(absl::string_view said);
sdk::CoverageCell::State StateOf(absl::string_view said);

// Downloads the wheels of a lock for one configuration into a folder, by pip, which checks the
// digests.
absl::Status Download(Console& console, const std::string& lock,
                      const pypi::Configuration& configuration, int glibc_minor,
                      const std::string& folder);

// `text` without what belongs to this machine and its index: "<url>" stands for each url, "<host>"
// for the hosts of urls in it and in `environment` ("NAME=value"), "<path>" for absolute paths.
std::string Scrubbed(absl::string_view text, const std::vector<std::string>& environment);

}  // namespace rules_inference::inferctl

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_INSTALLER_H_
