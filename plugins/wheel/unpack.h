// Unpacks a wheel to a directory tree, every byte checked against RECORD.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_UNPACK_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_UNPACK_H_

#include <atomic>

#include "absl/status/status.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {

// Does what `request` asks for; wheel.proto describes it. The output is a function of the request
// less `threads` and `max_memory_bytes`. Nothing is written before the structure of the wheel has
// been judged, and nothing is left when it fails. `cancelled` may be null.
absl::Status UnpackWheel(const sdk::WheelUnpackRequest& request, base::FileSystem& fs,
                         const std::atomic<bool>* cancelled);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_UNPACK_H_
