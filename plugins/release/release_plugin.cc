#include "plugins/release/release_plugin.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/error.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/version.h"
#include "plugins/release/release_lock.h"
#include "plugins/release/row.h"
#include "plugins/release/shipped.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/plugin.h"
#include "plugins/sdk/plugin.pb.h"
#include "plugins/sdk/release.pb.h"

namespace rules_inference::release {

sdk::PluginDescriptor ReleasePlugin::Describe() const {
  sdk::PluginDescriptor descriptor;
  descriptor.set_name("release");
  descriptor.set_kind("release");
  descriptor.set_version(base::kVersion);
  for (const char* capability : {"multiplex", "sandboxing"}) {
    descriptor.add_capabilities(capability);
  }
  return descriptor;
}

absl::Status ReleasePlugin::Run(const sdk::Request& request, std::string* output) {
  ASSIGN_OR_RETURN(const auto message,
                   sdk::MergeJsonLines<sdk::ReleasePluginRequest>(request.lines));
  base::RealFileSystem fs(request.sandbox_dir);
  switch (message.kind_case()) {
    case sdk::ReleasePluginRequest::kRow:
      return WriteRow(message.row(), fs, output);
    case sdk::ReleasePluginRequest::kLock:
      return WriteReleaseLock(message.lock(), fs, output);
    case sdk::ReleasePluginRequest::kTree:
      return WriteTree(message.tree(), fs);
    case sdk::ReleasePluginRequest::kLauncher:
      return WriteLauncherManifest(message.launcher(), fs);
    default:
      return base::Mismatch("request", "kind", "none", "one of row, lock, tree and launcher");
  }
}

}  // namespace rules_inference::release
