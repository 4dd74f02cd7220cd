// Makes a virtual environment out of unpacked wheels.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_VENV_VENV_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_VENV_VENV_H_

#include <atomic>

#include "absl/status/status.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {

// Does what `request` asks for; wheel.proto describes it. The output is a function of the request,
// less the order of the trees, and of what is in them. Nothing is written before the whole has been
// judged, and nothing is left when it fails. `cancelled` may be null.
absl::Status MakeVenv(const sdk::WheelVenvRequest& request, base::FileSystem& fs,
                      const std::atomic<bool>* cancelled);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_VENV_VENV_H_
