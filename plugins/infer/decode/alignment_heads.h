// Which heads of a model's decoder look at the place of the sound where the token is spoken.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_ALIGNMENT_HEADS_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_ALIGNMENT_HEADS_H_

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {

// As openai/whisper found them, by its name of a released model: "tiny.en", "large-v1", "large",
// "turbo".
std::optional<absl::Span<const Head>> AlignmentHeadsOf(absl::string_view name);

// Those of the released model of that size, and for other sizes all heads of the upper half of the
// decoder. Sizes do not tell large-v1 from large-v2; this takes large-v2.
std::vector<Head> AlignmentHeadsOf(const Hyperparameters& parameters);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_ALIGNMENT_HEADS_H_
