#include "plugins/infer/cli/transcribe_plan.h"

#include <algorithm>
#include <string>

#include "absl/status/statusor.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/audio/audio.h"
#include "plugins/infer/cli/transcribe_flags.h"
#include "plugins/infer/cli/write_results.h"
#include "plugins/infer/output/output.h"

namespace rules_inference::infer {

absl::StatusOr<TranscribePlan> PlanOf(const TranscribeArguments& arguments) {
  TranscribePlan plan;
  plan.arguments = arguments;
  ASSIGN_OR_RETURN(plan.transcribe, TranscribeOptionsOf(arguments.transcribe));
  if (arguments.vad && !plan.transcribe.clips.empty()) {
    return base::Mismatch("flags", "infer transcribe", "--vad and --clip-timestamps",
                          "one of them");
  }
  if (arguments.batch_size > 1 && !plan.transcribe.clips.empty()) {
    return base::Mismatch("flags", "infer transcribe", "--batch-size and --clip-timestamps",
                          "one of them");
  }
  if (arguments.max_length > 0) plan.transcribe.word_timestamps = true;
  if (!arguments.raw.empty()) {
    ASSIGN_OR_RETURN(plan.raw, ParseRawFormat(arguments.raw));
  }
  for (const std::string& name : arguments.formats) {
    const OutputFormat format = *OutputFormatOf(name);
    if (std::find(plan.formats.begin(), plan.formats.end(), format) == plan.formats.end()) {
      plan.formats.push_back(format);
    }
  }
  plan.print = OutputFormatOf(arguments.print);
  RETURN_IF_ERROR(CheckResultFiles(arguments));
  return plan;
}

}  // namespace rules_inference::infer
