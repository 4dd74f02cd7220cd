// Several files as one.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_CONCATENATION_H_
#define RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_CONCATENATION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/base/file_system.h"

namespace rules_inference::base {

// The bytes of `paths` one after the other, as one file; with one path, that file. Large archives
// are published in parts, because hosts limit the size of a file.
absl::StatusOr<std::shared_ptr<InputFile>> OpenConcatenation(const std::vector<std::string>& paths,
                                                             FileSystem& fs);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_CONCATENATION_H_
