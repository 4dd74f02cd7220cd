#include "plugins/infer/decode/scripted_engine.h"

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/decode/greedy.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

struct Window : EncodedWindow {
  int number = 0;
};

struct Rows : Decoding {
  int window = 0;
  std::vector<std::vector<TokenId>> tokens = {{}};
};

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> ScriptedEngine::Encode(
    absl::Span<const absl::Span<const float>> encoded) {
  std::vector<std::unique_ptr<EncodedWindow>> results;
  for (const absl::Span<const float> one : encoded) {
    auto window = std::make_unique<Window>();
    window->number = static_cast<int>(windows.size());
    windows.emplace_back(one.begin(), one.end());
    results.push_back(std::move(window));
  }
  return results;
}

absl::StatusOr<std::unique_ptr<Decoding>> ScriptedEngine::NewDecoding(const EncodedWindow& window,
                                                                      int /*rows*/) {
  auto decoding = std::make_unique<Rows>();
  decoding->window = dynamic_cast<const Window&>(window).number;
  return decoding;
}

absl::Status ScriptedEngine::Decode(absl::Span<DecodeStep> steps) {
  if (!fail_with.ok()) return std::exchange(fail_with, absl::OkStatus());
  const auto vocab = static_cast<size_t>(parameters_.vocab);
  for (DecodeStep& step : steps) {
    auto& decoding = dynamic_cast<Rows&>(*step.decoding);
    if (decoding.tokens[0].empty()) prompts.push_back(step.tokens);
    const size_t count = step.tokens.size() / step.parents.size();
    rows.push_back(static_cast<int>(step.parents.size()));
    std::vector<std::vector<TokenId>> children;
    step.logits.assign(step.parents.size() * step.wanted.size() * vocab, 0);
    absl::Span<float> out = absl::MakeSpan(step.logits);
    for (size_t row = 0; row < step.parents.size(); ++row) {
      children.push_back(decoding.tokens[static_cast<size_t>(step.parents[row])]);
      std::vector<TokenId>& tokens = children.back();
      const size_t before = tokens.size();
      const absl::Span<const TokenId> more =
          absl::MakeConstSpan(step.tokens).subspan(row * count, count);
      tokens.insert(tokens.end(), more.begin(), more.end());
      for (const int wanted : step.wanted) {
        script_(decoding.window,
                absl::MakeConstSpan(tokens).first(before + static_cast<size_t>(wanted) + 1),
                out.first(vocab));
        out.remove_prefix(vocab);
      }
    }
    decoding.tokens = std::move(children);
  }
  return absl::OkStatus();
}

absl::Status ScriptedEngine::DecodeGreedy(absl::Span<GreedyDecoding> decodings) {
  return DecodeGreedyByStep(*this, decodings);
}

absl::StatusOr<Alignment> ScriptedEngine::Align(const EncodedWindow& /*window*/,
                                                absl::Span<const TokenId> tokens,
                                                absl::Span<const Head> heads, int frames,
                                                TokenId /*limit*/) {
  Alignment alignment;
  for (size_t head = 0; head < heads.size(); ++head) {
    for (size_t token = 0; token < tokens.size(); ++token) {
      for (size_t frame = 0; frame < static_cast<size_t>(frames); ++frame) {
        alignment.scores.push_back(frame / 10 == token ? 10.0F : 0.0F);
      }
    }
  }
  alignment.probabilities.assign(tokens.size() - 1, 0.5F);
  return alignment;
}

}  // namespace rules_inference::infer
