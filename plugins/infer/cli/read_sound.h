// The samples of a sound file, or of standard input.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CLI_READ_SOUND_H_
#define RULES_INFERENCE_PLUGINS_INFER_CLI_READ_SOUND_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/infer/audio/audio.h"
#include "plugins/infer/cli/command.h"

namespace rules_inference::infer {

// The name of a file that stands for standard input.
inline constexpr absl::string_view kStdin = "-";

// Mono, 16 kHz. `raw`: what samples without a header are.
absl::StatusOr<std::vector<float>> ReadSound(Console& console, const std::string& file,
                                             const std::optional<RawFormat>& raw,
                                             const AudioLimits& limits);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CLI_READ_SOUND_H_
