// The image config: what a base brings, changed as a request says.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_CONFIG_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/layer/oci/base_image.h"
#include "plugins/layer/oci/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

// The config document. `layers` are the side files of the layers above the base.
//
// Like Dockerfiles do it: a new entrypoint drops the base's cmd, environment variables keep the
// place that the base gave them, ports, volumes and labels are added to those of the base, and all
// else replaces it. Members of the base's config that we know nothing about stay. Every history
// entry gets a `created`, because some readers crash without.
absl::StatusOr<Json> BuildConfig(const sdk::ImageRequest& request, const BaseImage& base_image,
                                 const std::vector<sdk::LayerMetadata>& layers);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_CONFIG_H_
