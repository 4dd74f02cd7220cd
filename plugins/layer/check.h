// Whether wheels of different layers can be in one image.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_CHECK_H_
#define RULES_INFERENCE_PLUGINS_LAYER_CHECK_H_

#include "absl/status/status.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer {

// Within a layer a path with two owners is an error already; between layers the upper one would
// hide the other's file in silence. Writes the report when no path has two owners.
absl::Status CheckWheels(const sdk::CheckRequest& request, base::FileSystem& fs);

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_CHECK_H_
