// Puts images for several platforms together: one index, one layout.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_INDEX_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_INDEX_H_

#include "absl/status/status.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

// Fills the directory `request.output`, which may exist when it is empty, with a layout whose one
// root is the index; an error leaves it empty or absent. The platform of each image is that of its
// config. Two images for one platform are an error: a runtime would take either. Documents are
// copied, blobs are linked and never read.
absl::Status BuildIndex(const sdk::IndexRequest& request, base::FileSystem& fs);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_INDEX_H_
