#include "plugins/infer/decode/greedy.h"

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/decode/logit_filter.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

// Whether the decoding goes on.
bool TakeLikeliest(GreedyDecoding& decoding, absl::Span<float> logits) {
  ApplyRules(*decoding.rules, decoding.tokens, logits);
  const TokenId token = Likeliest(logits);
  decoding.sum_log_probability +=
      static_cast<double>(logits[static_cast<size_t>(token)]) - LogSumExp(logits);
  if (token == decoding.rules->special.end_of_text) return false;
  decoding.tokens.push_back(token);
  return decoding.tokens.size() < static_cast<size_t>(decoding.max_tokens);
}

// All of `decodings` one step further, the prompts of new ones beside single tokens of others.
absl::Status Step(Engine& engine, absl::Span<GreedyDecoding* const> decodings) {
  const int vocab = engine.parameters().vocab;
  std::vector<DecodeStep> steps;
  for (GreedyDecoding* decoding : decodings) {
    if (decoding->stage == GreedyDecoding::Stage::kNew) {
      decoding->tokens.clear();
      decoding->sum_log_probability = 0;
      steps.push_back(PromptStep(*decoding->decoding, decoding->prompt, decoding->start));
    } else {
      steps.push_back({.decoding = decoding->decoding,
                       .parents = {0},
                       .tokens = {decoding->tokens.back()},
                       .wanted = {0}});
    }
  }
  RETURN_IF_ERROR(engine.Decode(absl::MakeSpan(steps)));
  for (size_t i = 0; i < decodings.size(); ++i) {
    GreedyDecoding& decoding = *decodings[i];
    bool goes_on = true;
    if (decoding.stage == GreedyDecoding::Stage::kNew) {
      decoding.no_speech_probability =
          NoSpeechProbability(steps[i], decoding.rules->special, vocab);
      goes_on = decoding.max_tokens > 0;
    }
    goes_on = goes_on && TakeLikeliest(decoding, LastLogits(steps[i], vocab));
    decoding.stage = goes_on ? GreedyDecoding::Stage::kGoing : GreedyDecoding::Stage::kEnded;
  }
  return absl::OkStatus();
}

}  // namespace

DecodeStep PromptStep(Decoding& decoding, absl::Span<const TokenId> prompt, int start) {
  const int last = static_cast<int>(prompt.size()) - 1;
  DecodeStep step;
  step.decoding = &decoding;
  step.parents = {0};
  step.tokens.assign(prompt.begin(), prompt.end());
  if (start < last) step.wanted.push_back(start);
  step.wanted.push_back(last);
  return step;
}

float NoSpeechProbability(const DecodeStep& first, const SpecialTokens& special, int vocab) {
  const absl::Span<const float> logits =
      absl::MakeConstSpan(first.logits).first(static_cast<size_t>(vocab));
  const auto no_speech = static_cast<double>(logits[static_cast<size_t>(special.no_speech)]);
  return static_cast<float>(std::exp(no_speech - LogSumExp(logits)));
}

absl::Span<float> LastLogits(DecodeStep& first, int vocab) {
  return absl::MakeSpan(first.logits).last(static_cast<size_t>(vocab));
}

absl::Status ContinueGreedyByStep(Engine& engine, absl::Span<GreedyDecoding* const> decodings) {
  std::vector<GreedyDecoding*> together;
  for (GreedyDecoding* decoding : decodings) {
    if (MayBeRefused(*decoding, 0, engine.parameters())) {
      decoding->status = Step(engine, absl::MakeConstSpan(&decoding, 1));
      if (!decoding->status.ok()) decoding->stage = GreedyDecoding::Stage::kEnded;
    } else {
      together.push_back(decoding);
    }
  }
  return together.empty() ? absl::OkStatus() : Step(engine, together);
}

absl::Status DecodeGreedyByStep(Engine& engine, absl::Span<GreedyDecoding> decodings) {
  std::vector<GreedyDecoding*> going;
  for (GreedyDecoding& decoding : decodings) {
    decoding.stage = GreedyDecoding::Stage::kNew;
    decoding.status = absl::OkStatus();
    decoding.tokens.clear();
    going.push_back(&decoding);
  }
  while (!going.empty()) {
    RETURN_IF_ERROR(ContinueGreedyByStep(engine, going));
    for (GreedyDecoding* decoding : going) {
      if (decoding->stage == GreedyDecoding::Stage::kGoing) EndIfCancelled(*decoding);
      RETURN_IF_ERROR(decoding->status);
    }
    std::erase_if(going, [](const GreedyDecoding* decoding) {
      return decoding->stage == GreedyDecoding::Stage::kEnded;
    });
  }
  return absl::OkStatus();
}

}  // namespace rules_inference::infer
