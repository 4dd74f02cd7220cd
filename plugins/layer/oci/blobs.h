// The files that an image consists of, found by digest.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_BLOBS_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_BLOBS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/layer/oci/base_image.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

struct Blob {
  std::string path;
  Descriptor descriptor;
};

struct ImageBlobs {
  std::string manifest_text;
  Descriptor manifest;  // mediaType, digest and size of manifest_text
  std::string config_text;
  Descriptor config;
  // Layers as the manifest lists them, bottom first; a layer that stands there twice is here twice.
  std::vector<Blob> layers;
};

// Reads `manifest_path` and `config_path`, compares them, and finds each layer of the manifest:
// among `layers` by the digest in their side files, else in `base_layout`. Compares sizes and reads
// no layer.
absl::StatusOr<ImageBlobs> FindBlobs(
    const std::string& manifest_path, const std::string& config_path,
    const google::protobuf::RepeatedPtrField<sdk::LayerBlob>& layers, absl::string_view base_layout,
    base::FileSystem& fs);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_BLOBS_H_
