// Puts an OCI layout directory together: documents are copied, layer blobs are linked and never
// read.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_LAYOUT_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_LAYOUT_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/layer/oci/blobs.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

// Fills the directory `request.output`, which may exist when it is empty. An error leaves it empty
// or absent.
//
// Links are absolute and lead to real files, because Bazel's own directories hold links that later
// builds may remove. Bazel follows them and knows the digests already, so that nothing reads
// gigabytes of blobs after an edit elsewhere.
absl::Status BuildLayout(const sdk::LayoutRequest& request, base::FileSystem& fs);

// The absolute path of `path` without any symlink in it.
absl::StatusOr<std::string> RealPath(const std::string& path, base::FileSystem& fs);

// Calls `fill` when the directory `root` is empty or not there. When that fails, nothing is left.
absl::Status InEmptyDirectory(const std::string& root, base::FileSystem& fs,
                              const std::function<absl::Status()>& fill);

// Writes a layout with these documents and blobs into `root`, which is empty or not there. Blobs
// are linked to where they are, or copied. On failure nothing is left.
absl::Status WriteLayout(const std::string& root, const ImageBlobs& blobs, absl::string_view index,
                         bool copy, base::FileSystem& fs);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_LAYOUT_H_
