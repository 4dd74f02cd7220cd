// An engine for one request that may no longer be wanted.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CANCELLABLE_ENGINE_H_
#define RULES_INFERENCE_PLUGINS_INFER_CANCELLABLE_ENGINE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/engine.h"

namespace rules_inference::infer {

// Passes calls on to `inner` as long as the request is wanted; greedy decoding ends between two
// steps. After that everything is kCancelled. What it gives out is what `inner` gave.
class CancellableEngine final : public Engine {
 public:
  // `inner` has to outlive it. `cancelled` may be called by any thread, also while a call of
  // `inner` is under way; it may neither wait nor use an engine.
  CancellableEngine(Engine& inner, std::function<bool()> cancelled)
      : inner_(inner), cancelled_(std::move(cancelled)) {}

  const Hyperparameters& parameters() const override { return inner_.parameters(); }
  std::string Describe() const override { return inner_.Describe(); }
  absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encode(
      absl::Span<const absl::Span<const float>> windows) override;
  absl::StatusOr<std::unique_ptr<Decoding>> NewDecoding(const EncodedWindow& window,
                                                        int rows) override;
  absl::Status Decode(absl::Span<DecodeStep> steps) override;
  absl::Status DecodeGreedy(absl::Span<GreedyDecoding> decodings) override;
  absl::StatusOr<Alignment> Align(const EncodedWindow& window, absl::Span<const TokenId> tokens,
                                  absl::Span<const Head> heads, int frames, TokenId limit) override;

 private:
  absl::Status Check() const;

  Engine& inner_;
  const std::function<bool()> cancelled_;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CANCELLABLE_ENGINE_H_
