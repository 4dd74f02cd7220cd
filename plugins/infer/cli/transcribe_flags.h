// The flags that say how to transcribe. Names and defaults are those of openai/whisper's command
// line where it has them.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CLI_TRANSCRIBE_FLAGS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CLI_TRANSCRIBE_FLAGS_H_

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "plugins/infer/decode/transcribe.h"

namespace rules_inference::infer {

// As they are typed; "none" stands for "not looked at".
struct TranscribeFlags {
  std::string language = "auto";
  std::string temperature_increment = "0.2";
  float temperature = 0;
  std::string length_penalty = "none";
  std::string compression_ratio_threshold = "2.4";
  std::string logprob_threshold = "-1.0";
  std::string no_speech_threshold = "0.6";
  std::string hallucination_silence_threshold = "none";
  std::string suppress_tokens = "-1";
  std::string clip_timestamps;
  std::string alignment_heads = "auto";
  bool no_timestamps = false;
  bool no_condition_on_previous_text = false;
  // What needs no translation.
  TranscribeOptions options;
};

void AddTranscribeFlags(CLI::App& command, TranscribeFlags& flags);

// Errors: "flags: --NAME: got X, expected Y".
absl::StatusOr<TranscribeOptions> TranscribeOptionsOf(const TranscribeFlags& flags);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CLI_TRANSCRIBE_FLAGS_H_
