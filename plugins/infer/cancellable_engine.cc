#include "plugins/infer/cancellable_engine.h"

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

absl::Status CancellableEngine::Check() const {
  return cancelled_() ? absl::CancelledError("transcribing was cancelled") : absl::OkStatus();
}

absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> CancellableEngine::Encode(
    absl::Span<const absl::Span<const float>> windows) {
  RETURN_IF_ERROR(Check());
  return inner_.Encode(windows);
}

absl::StatusOr<std::unique_ptr<Decoding>> CancellableEngine::NewDecoding(
    const EncodedWindow& window, int rows) {
  RETURN_IF_ERROR(Check());
  return inner_.NewDecoding(window, rows);
}

absl::Status CancellableEngine::Decode(absl::Span<DecodeStep> steps) {
  RETURN_IF_ERROR(Check());
  return inner_.Decode(steps);
}

absl::Status CancellableEngine::DecodeGreedy(absl::Span<GreedyDecoding> decodings) {
  RETURN_IF_ERROR(Check());
  for (GreedyDecoding& each : decodings) each.cancelled = cancelled_;
  return inner_.DecodeGreedy(decodings);
}

absl::StatusOr<Alignment> CancellableEngine::Align(const EncodedWindow& window,
                                                   absl::Span<const TokenId> tokens,
                                                   absl::Span<const Head> heads, int frames,
                                                   TokenId limit) {
  RETURN_IF_ERROR(Check());
  return inner_.Align(window, tokens, heads, frames, limit);
}

}  // namespace rules_inference::infer
