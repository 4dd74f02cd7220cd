// What `infer transcribe` was told, and what follows from it before anything is opened.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CLI_TRANSCRIBE_PLAN_H_
#define RULES_INFERENCE_PLUGINS_INFER_CLI_TRANSCRIBE_PLAN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/infer/audio/audio.h"
#include "plugins/infer/cli/engine_flags.h"
#include "plugins/infer/cli/transcribe_flags.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/output/output.h"

namespace rules_inference::infer {

// As typed.
struct TranscribeArguments {
  std::vector<std::string> files;
  EngineFlags engine;
  TranscribeFlags transcribe;
  std::string raw;
  double max_duration = AudioLimits().max_seconds;
  bool vad = false;
  int batch_size = 1;
  int max_length = 0;
  std::string output_dir = ".";
  std::vector<std::string> formats;
  std::string print = "segments";
  std::string progress = "auto";
};

struct TranscribePlan {
  TranscribeArguments arguments;
  TranscribeOptions transcribe;
  std::optional<RawFormat> raw;
  // Of files, each once.
  std::vector<OutputFormat> formats;
  // Absent: lines with times ("segments"), or nothing ("none").
  std::optional<OutputFormat> print;
};

// Errors: "flags: ...: got X, expected Y".
absl::StatusOr<TranscribePlan> PlanOf(const TranscribeArguments& arguments);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CLI_TRANSCRIBE_PLAN_H_
