// Sequences drawn at random: by chance the text of one of them is better than what is likeliest
// step by step.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_SAMPLING_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_SAMPLING_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/decode/candidates.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

// Which random numbers: the same for the same stream, and unlike those of another one.
struct RandomStream {
  uint64_t seed = 0;
  // The window: frame at which it begins.
  uint64_t seek = 0;
  float temperature = 0;
};

// The number of one draw, 0 <= x < 1. `row` and `step` name the draw, so that it does not matter
// which others are made, nor in which order.
double UniformAt(const RandomStream& stream, uint64_t row, uint64_t step);

// The token at `uniform` of the distribution of `logits`, whose differences are divided by
// `temperature`.
TokenId DrawToken(absl::Span<const float> logits, float temperature, double uniform);

// `count` sequences at a temperature above 0, independent of each other. Probabilities of the
// results are those of temperature 1.
absl::StatusOr<Candidates> DecodeBySampling(Engine& engine, const EncodedWindow& window,
                                            const Prompt& prompt, const LogitRules& rules,
                                            const RandomStream& stream, int count);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_SAMPLING_H_
