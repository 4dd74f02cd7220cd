// The row of a lock for an archive that this build has made.

#ifndef RULES_INFERENCE_PLUGINS_RELEASE_ROW_H_
#define RULES_INFERENCE_PLUGINS_RELEASE_ROW_H_

#include <string>

#include "absl/status/status.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/release.pb.h"

namespace rules_inference::release {

// Writes the row, or nothing: an archive that is not what was declared is an error that names both,
// "variants lock: <where>: <name> for <platform>: got X, expected Y". What a person should know
// goes to `*notes`, a line each.
absl::Status WriteRow(const sdk::ReleaseRowRequest& request, base::FileSystem& fs,
                      std::string* notes);

}  // namespace rules_inference::release

#endif  // RULES_INFERENCE_PLUGINS_RELEASE_ROW_H_
