// What is left of a transcription: text on standard output, and files beside it.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CLI_WRITE_RESULTS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CLI_WRITE_RESULTS_H_

#include <string>

#include "absl/status/status.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/cli/transcribe_plan.h"
#include "plugins/infer/decode/transcribe.h"

namespace rules_inference::infer {

// Two sounds must not be written to the same files, nor standard input be read twice.
absl::Status CheckResultFiles(const TranscribeArguments& arguments);

// What is printed at the end of `file`, and its files; what is printed as it comes is not.
absl::Status WriteResults(Console& console, const TranscribePlan& plan, const std::string& file,
                          const Transcript& transcript);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CLI_WRITE_RESULTS_H_
