// Which format an archive has, by its bytes: names of files are what servers make of them.

#ifndef RULES_INFERENCE_PLUGINS_LOCK_ARCHIVE_FORMAT_H_
#define RULES_INFERENCE_PLUGINS_LOCK_ARCHIVE_FORMAT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "plugins/base/file_system.h"

namespace rules_inference::lock {

// "tar", "tar.gz", "tar.xz", "tar.zst" or "zip" as in variants.lock.json; "file" for everything
// else, compressed or not.
absl::StatusOr<std::string> ArchiveFormat(std::shared_ptr<base::InputFile> file);

}  // namespace rules_inference::lock

#endif  // RULES_INFERENCE_PLUGINS_LOCK_ARCHIVE_FORMAT_H_
