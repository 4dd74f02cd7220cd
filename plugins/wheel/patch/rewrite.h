// Makes another wheel of a wheel: patched, with other files, or as it would have been written here.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_PATCH_REWRITE_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_PATCH_REWRITE_H_

#include <atomic>

#include "absl/status/status.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {

// Does what `request` asks for; wheel.proto describes it. The output is a function of the bytes of
// the inputs; nothing is left when it fails. `cancelled` may be null.
absl::Status RewriteWheel(const sdk::WheelRewriteRequest& request, base::FileSystem& fs,
                          const std::atomic<bool>* cancelled);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_PATCH_REWRITE_H_
