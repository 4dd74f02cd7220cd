// Who has made a file, and whether that process still lives.

#ifndef RULES_INFERENCE_PLUGINS_STORE_OWNER_H_
#define RULES_INFERENCE_PLUGINS_STORE_OWNER_H_

#include <string>

#include "absl/time/time.h"
#include "plugins/base/file_system.h"
#include "plugins/store/records.pb.h"

namespace rules_inference::store {

// This process. `locked`: it holds the file by a lock that works.
OwnerRecord ThisProcess(bool locked);

// Whether the maker of the file at `path` may still live. A lock tells, if it was taken; else the
// process tells, if it is one of this machine that can be seen from here. Of all others nothing is
// known, and they are taken for alive until the file is `unknown_age` old.
bool MayLive(base::FileSystem& fs, const std::string& path, const OwnerRecord& owner,
             absl::Time now, absl::Duration unknown_age = absl::Hours(24 * 7));

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_OWNER_H_
