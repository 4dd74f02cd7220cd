#include "plugins/infer/engine.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

bool EndIfCancelled(GreedyDecoding& decoding) {
  if (!decoding.cancelled || !decoding.cancelled()) return false;
  decoding.status = absl::CancelledError("transcribing was cancelled");
  decoding.stage = GreedyDecoding::Stage::kEnded;
  return true;
}

bool MayBeRefused(const GreedyDecoding& decoding, int tokens, const Hyperparameters& parameters) {
  const size_t length =
      decoding.prompt.size() + decoding.tokens.size() + static_cast<size_t>(std::max(0, tokens));
  if (length > static_cast<size_t>(parameters.text_context)) return true;
  if (decoding.stage != GreedyDecoding::Stage::kNew) return false;
  return decoding.start < 0 || static_cast<size_t>(decoding.start) >= decoding.prompt.size() ||
         !std::all_of(decoding.prompt.begin(), decoding.prompt.end(),
                      [&](TokenId id) { return id >= 0 && id < parameters.vocab; });
}

absl::Status Engine::ContinueGreedy(absl::Span<GreedyDecoding* const> decodings) {
  const auto run = [this](absl::Span<GreedyDecoding* const> some) {
    std::vector<GreedyDecoding> moved;
    for (GreedyDecoding* each : some) moved.push_back(std::move(*each));
    const absl::Status status = DecodeGreedy(absl::MakeSpan(moved));
    for (size_t i = 0; i < some.size(); ++i) {
      *some[i] = std::move(moved[i]);
      some[i]->stage = GreedyDecoding::Stage::kEnded;
    }
    return status;
  };
  std::vector<GreedyDecoding*> together;
  for (GreedyDecoding* each : decodings) {
    // The last token is not fed back.
    if (MayBeRefused(*each, each->max_tokens - 1, parameters())) {
      each->status = run(absl::MakeConstSpan(&each, 1));
    } else {
      together.push_back(each);
    }
  }
  return together.empty() ? absl::OkStatus() : run(together);
}

}  // namespace rules_inference::infer
