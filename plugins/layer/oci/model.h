// A model as an OCI artifact, by the ModelPack specification of the CNCF: one blob per file.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_MODEL_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_MODEL_H_

#include "absl/status/status.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

// Writes the documents, the layout, or both. Files are never read: their digests are pinned, and
// whoever brought them has checked that; a file of another size than the pinned one is refused.
absl::Status BuildModel(const sdk::ModelArtifactRequest& request, base::FileSystem& fs);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_MODEL_H_
