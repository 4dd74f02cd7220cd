// The likeliest token, again and again.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_GREEDY_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_GREEDY_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "plugins/infer/engine.h"

namespace rules_inference::infer {

// What Engine::DecodeGreedy means: steps of Engine::Decode, with the rules applied here. Each
// decoding ends with the end of text or after `max_tokens`; the others go on.
absl::Status DecodeGreedyByStep(Engine& engine, absl::Span<GreedyDecoding> decodings);

// What Engine::ContinueGreedy means, one step of Engine::Decode for all.
absl::Status ContinueGreedyByStep(Engine& engine, absl::Span<GreedyDecoding* const> decodings);

// The first step of a decoding: the prompt, and logits behind the token start_of_transcript, at
// position `start`, and behind the whole.
DecodeStep PromptStep(Decoding& decoding, absl::Span<const TokenId> prompt, int start);

// Of the first step: how likely a model finds it that nobody speaks.
float NoSpeechProbability(const DecodeStep& first, const SpecialTokens& special, int vocab);

// The logits behind the whole prompt, of a step that PromptStep made.
absl::Span<float> LastLogits(DecodeStep& first, int vocab);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_GREEDY_H_
