// The likeliest sequences as a whole, which are not those of the likeliest tokens.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_BEAM_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_BEAM_H_

#include "absl/status/statusor.h"
#include "plugins/infer/decode/candidates.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/logit_rules.h"

namespace rules_inference::infer {

// `size` sequences at a time, until `wanted` have ended (openai/whisper: size times patience,
// rounded). Those that have ended, and the best of the others as far as there are fewer than
// `size`.
absl::StatusOr<Candidates> DecodeByBeams(Engine& engine, const EncodedWindow& window,
                                         const Prompt& prompt, const LogitRules& rules, int size,
                                         int wanted);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_BEAM_H_
