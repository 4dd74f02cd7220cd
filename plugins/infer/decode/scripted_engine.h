// An engine that says what a test wants: drives what is built on engines through cases that no
// model with random weights comes to.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_SCRIPTED_ENGINE_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_SCRIPTED_ENGINE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

class ScriptedEngine : public Engine {
 public:
  // Sets logits, all 0 before, of what follows `tokens` in window number `window`, counted from 0.
  using Script =
      std::function<void(int window, absl::Span<const TokenId> tokens, absl::Span<float> logits)>;

  ScriptedEngine(const Hyperparameters& parameters, Script script)
      : parameters_(parameters), script_(std::move(script)) {}

  const Hyperparameters& parameters() const override { return parameters_; }
  std::string Describe() const override { return "scripted"; }
  absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encode(
      absl::Span<const absl::Span<const float>> windows) override;
  absl::StatusOr<std::unique_ptr<Decoding>> NewDecoding(const EncodedWindow& window,
                                                        int rows) override;
  absl::Status Decode(absl::Span<DecodeStep> steps) override;
  absl::Status DecodeGreedy(absl::Span<GreedyDecoding> decodings) override;
  // Attention of token i is at frames 10 i to 10 i + 9.
  absl::StatusOr<Alignment> Align(const EncodedWindow& window, absl::Span<const TokenId> tokens,
                                  absl::Span<const Head> heads, int frames, TokenId limit) override;

  // What came in.
  std::vector<std::vector<float>> windows;
  // First tokens of each decoding.
  std::vector<std::vector<TokenId>> prompts;
  // Rows of each step.
  std::vector<int> rows;
  // What the next call of Decode returns.
  absl::Status fail_with;

 private:
  const Hyperparameters parameters_;
  const Script script_;
};

// Logit of a token.
inline float& LogitOf(absl::Span<float> logits, TokenId id) {
  return logits[static_cast<size_t>(id)];
}

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_SCRIPTED_ENGINE_H_
