// The text of variants.lock.json: strict to read, one text per lock to write.

#ifndef RULES_INFERENCE_PLUGINS_LOCK_LOCK_FILE_H_
#define RULES_INFERENCE_PLUGINS_LOCK_LOCK_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::lock {

// Two spaces a level, keys sorted, every field on a line of its own, so that a diff shows the field
// that changed; lists that fit in 100 columns are one line, but rows and parts never are. The text
// ends with a newline. It is canonical JSON but for white space, and formatting what was read from
// it gives it again.
std::string FormatLock(const sdk::VariantsLock& lock);

// Only the text: select::CheckLock has the rules. Errors are those of plugins/sdk/json.h.
absl::StatusOr<sdk::VariantsLock> ParseLock(absl::string_view where, absl::string_view text);

absl::StatusOr<sdk::VariantsLock> ReadLock(base::FileSystem& fs, const std::string& path);
// Nothing is written when the file has that text already.
absl::Status WriteLock(base::FileSystem& fs, const std::string& path,
                       const sdk::VariantsLock& lock);

}  // namespace rules_inference::lock

#endif  // RULES_INFERENCE_PLUGINS_LOCK_LOCK_FILE_H_
