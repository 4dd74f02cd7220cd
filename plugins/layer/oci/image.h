// Builds the documents of one image - config, manifest, index - from side files of layers and an
// optional base.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_IMAGE_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_IMAGE_H_

#include "absl/status/status.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

// Docker's overlay driver mounts no more.
inline constexpr size_t kMaxLayers = 127;

// Writes the four outputs of `request`, all or none of them. The bytes depend on the request and on
// the documents it names alone: members have a fixed order, sets are sorted, and `created` is what
// the request says. No layer blob is read.
absl::Status BuildImage(const sdk::ImageRequest& request, base::FileSystem& fs);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_IMAGE_H_
