// One sound file of `infer transcribe`: read, heard, written.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CLI_TRANSCRIBE_FILE_H_
#define RULES_INFERENCE_PLUGINS_INFER_CLI_TRANSCRIBE_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/cli/engine_flags.h"
#include "plugins/infer/cli/in_order.h"
#include "plugins/infer/cli/transcribe_plan.h"

namespace rules_inference::infer {

// Segments are printed as they come. `stop`: whether nobody wants the rest, which ends it with
// kCancelled, as does an output that cannot be written any more.
absl::Status TranscribeFile(Console& console, const TranscribePlan& plan, OpenedEngine& opened,
                            const std::string& file, const StopFlag& stop);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CLI_TRANSCRIBE_FILE_H_
