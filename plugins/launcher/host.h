// The machine, as far as the shipped variants want to know it.

#ifndef RULES_INFERENCE_PLUGINS_LAUNCHER_HOST_H_
#define RULES_INFERENCE_PLUGINS_LAUNCHER_HOST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/base/file_system.h"
#include "plugins/launcher/manifest.h"
#include "plugins/sdk/launcher.pb.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::launcher {

// Names of the providers that can answer what the rows want, sorted. A lock of plain CPU variants
// wants none, and then nothing is loaded or started.
std::vector<std::string> ProvidersFor(const sdk::VariantsLock& lock);

// The descriptor in the file $INFERENCE_HOST, or the machine itself. Providers that are linked into
// this program answer here; the others are asked in another process, the detector, because a driver
// library has no place in the process of the program that is started, and cannot be loaded by a
// static launcher. What the detector says is kept in the cache, unless `afresh`.
//
// Of libraries that a row wants, the machine itself is said to have all: the dynamic loader knows
// better, and is asked before the start.
absl::StatusOr<sdk::LauncherDetection> FindHost(const Installation& installation,
                                                const Environment& environment,
                                                base::FileSystem& files, bool afresh);

}  // namespace rules_inference::launcher

#endif  // RULES_INFERENCE_PLUGINS_LAUNCHER_HOST_H_
