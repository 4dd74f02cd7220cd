// A release in the build that has made it, where no lock and no download stand between: its
// archives unpacked, and what a variant_launcher knows of them.

#ifndef RULES_INFERENCE_PLUGINS_RELEASE_SHIPPED_H_
#define RULES_INFERENCE_PLUGINS_RELEASE_SHIPPED_H_

#include "absl/status/status.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/release.pb.h"

namespace rules_inference::release {

// Unpacks an archive as its row describes it. On an error there is no directory.
absl::Status WriteTree(const sdk::ReleaseTreeRequest& request, base::FileSystem& fs);

// Writes the manifest of a launcher, or nothing.
absl::Status WriteLauncherManifest(const sdk::ReleaseLauncherRequest& request,
                                   base::FileSystem& fs);

}  // namespace rules_inference::release

#endif  // RULES_INFERENCE_PLUGINS_RELEASE_SHIPPED_H_
