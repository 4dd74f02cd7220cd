// The manifest of a launcher, and where the files are that it names.

#ifndef RULES_INFERENCE_PLUGINS_LAUNCHER_MANIFEST_H_
#define RULES_INFERENCE_PLUGINS_LAUNCHER_MANIFEST_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/launcher.pb.h"

namespace rules_inference::launcher {

// The value of an environment variable; empty when it is not set.
using Environment = std::function<std::string(absl::string_view)>;

struct Installation {
  // For messages.
  std::string manifest_path;
  sdk::LauncherManifest manifest;
  // Where a runfiles path of the manifest is.
  std::function<absl::StatusOr<std::string>(const std::string&)> locate;
};

// Finds the installation of the launcher that was started as `argv0`: the manifest lies beside it
// as `<launcher>.variants.json`, the variants in `<launcher>.runfiles`, in the runfiles tree that
// the launcher itself lies in, in $RUNFILES_DIR, or where $RUNFILES_MANIFEST_FILE or
// `<launcher>.runfiles_manifest` say, whichever has them first. A launcher may be reached by
// symlinks: every step of them is looked at.
absl::StatusOr<Installation> FindInstallation(const std::string& argv0,
                                              const Environment& environment,
                                              base::FileSystem& files);

// Checks what the launcher relies on. `where` is the path of the manifest.
absl::Status CheckManifest(const sdk::LauncherManifest& manifest, absl::string_view where);

}  // namespace rules_inference::launcher

#endif  // RULES_INFERENCE_PLUGINS_LAUNCHER_MANIFEST_H_
