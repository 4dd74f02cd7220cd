// Copies a release out of the build: what `bazel run` of a variant_release does.

#ifndef RULES_INFERENCE_PLUGINS_RELEASE_EXPORT_H_
#define RULES_INFERENCE_PLUGINS_RELEASE_EXPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/file_system.h"

namespace rules_inference::release {

struct ExportOptions {
  // A ReleaseManifest; its paths are relative to `runfiles`.
  std::string manifest;
  std::string runfiles;
  std::string directory;
  // In place of the one of the lock; "{archive}" is the file name of an archive.
  std::string url_template;
};

// Understands `program [--url-template URL] DIRECTORY`. The manifest lies beside the program, as
// `program.release.json`. A relative DIRECTORY is taken from where the user called Bazel.
absl::StatusOr<ExportOptions> ParseExportOptions(absl::Span<const std::string> arguments);

// Archives first, then their sums, the lock last: who finds a lock finds all that it names. A file
// that is there with the same bytes stays; one with other bytes is an error before anything is
// written, because a release does not change. `*report` gets a line per file.
absl::Status Export(const ExportOptions& options, base::FileSystem& fs, std::string* report);

}  // namespace rules_inference::release

#endif  // RULES_INFERENCE_PLUGINS_RELEASE_EXPORT_H_
