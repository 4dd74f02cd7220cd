// The last answer of the detector, kept for the next start: to initialise a driver library takes
// longer than everything else that a launcher does.

#ifndef RULES_INFERENCE_PLUGINS_LAUNCHER_CACHE_H_
#define RULES_INFERENCE_PLUGINS_LAUNCHER_CACHE_H_

#include <optional>
#include <string>
#include <vector>

#include "plugins/base/file_system.h"
#include "plugins/launcher/manifest.h"
#include "plugins/sdk/launcher.pb.h"

namespace rules_inference::launcher {

// Everything that the answer to `names` depends on, as text: the boot, the driver, the device
// nodes, the list of libraries, the detector itself and what in the environment the driver and the
// loader look at.
std::string CacheKey(const std::string& detector, const std::vector<std::string>& names,
                     const Environment& environment, base::FileSystem& files);

// `inference-host.json` in $XDG_RUNTIME_DIR, else `host.json` in the directory rules_inference of
// $XDG_CACHE_HOME or ~/.cache. Nothing that goes wrong with it is an error: the machine is asked
// then.
class HostCache {
 public:
  HostCache(const Environment& environment, std::string key);

  // Nothing unless the file and its directory belong to this user, nobody else may write to them,
  // and the key is the same.
  std::optional<sdk::LauncherDetection> Read() const;
  // Whole or not at all, also when several launchers write at once.
  void Write(const sdk::LauncherDetection& detection) const;

 private:
  std::string directory_;  // Empty: there is no place for it.
  std::string path_;
  std::string key_;
};

}  // namespace rules_inference::launcher

#endif  // RULES_INFERENCE_PLUGINS_LAUNCHER_CACHE_H_
