// Builds one layer: the blob and its side file.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_LAYER_H_
#define RULES_INFERENCE_PLUGINS_LAYER_LAYER_H_

#include <atomic>

#include "absl/status/status.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer {

// The side file is published after the blob, both whole or not at all. `cancelled` may be null.
absl::Status BuildLayer(const sdk::LayerRequest& request, base::FileSystem& fs,
                        const std::atomic<bool>* cancelled);

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_LAYER_H_
