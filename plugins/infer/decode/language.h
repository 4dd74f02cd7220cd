// Which language is spoken.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_LANGUAGE_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_LANGUAGE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/log_mel.h"
#include "plugins/infer/model.h"

namespace rules_inference::infer {

// Of each language of the model, in the order of Languages(), by the first window of the sound.
// Unlike the windows of a transcript, it has silence where the sound is shorter. InvalidArgument
// for a model that knows English only.
absl::StatusOr<std::vector<float>> LanguageProbabilities(Engine& engine, const Model& model,
                                                         const LogMel& mel);

// The same, of samples as Transcribe takes them.
absl::StatusOr<std::vector<float>> LanguageProbabilities(Engine& engine, const Model& model,
                                                         absl::Span<const float> samples,
                                                         int threads);

// The first of the likeliest.
int LikeliestLanguage(absl::Span<const float> probabilities);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_LANGUAGE_H_
