// Side files of layers, read and checked.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_SIDE_FILE_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_SIDE_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

// The side file at `path`. Its digests are well formed, its media type is one that runtimes unpack,
// its size is not 0, and a plain tar has the digest of its content.
absl::StatusOr<sdk::LayerMetadata> ReadSideFile(const std::string& path, base::FileSystem& fs);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_SIDE_FILE_H_
