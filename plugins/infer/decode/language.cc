#include "plugins/infer/decode/language.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/decode/greedy.h"
#include "plugins/infer/decode/logit_filter.h"
#include "plugins/infer/decode/window.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/log_mel.h"
#include "plugins/infer/model.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

absl::StatusOr<std::vector<float>> LanguageProbabilities(Engine& engine, const Model& model,
                                                         const LogMel& mel) {
  const SpecialTokens& special = model.special();
  if (!special.multilingual) {
    return base::Mismatch("language", "of the sound", "a model for English only",
                          "a multilingual model to find it out");
  }
  const int frames = WindowFrames(model.parameters());
  ASSIGN_OR_RETURN(const std::unique_ptr<EncodedWindow> window,
                   EncodeWindow(engine, mel, 0, std::min(frames, mel.frames())));
  ASSIGN_OR_RETURN(const std::unique_ptr<Decoding> decoding, engine.NewDecoding(*window, 1));
  DecodeStep step = PromptStep(*decoding, {special.start_of_transcript}, 0);
  RETURN_IF_ERROR(engine.Decode(absl::MakeSpan(&step, 1)));
  const absl::Span<const float> logits = absl::MakeConstSpan(step.logits)
                                             .subspan(static_cast<size_t>(special.first_language),
                                                      static_cast<size_t>(special.languages));
  const double total = LogSumExp(logits);
  std::vector<float> probabilities;
  for (const float logit : logits) {
    probabilities.push_back(static_cast<float>(std::exp(static_cast<double>(logit) - total)));
  }
  return probabilities;
}

absl::StatusOr<std::vector<float>> LanguageProbabilities(Engine& engine, const Model& model,
                                                         absl::Span<const float> samples,
                                                         int threads) {
  return LanguageProbabilities(
      engine, model, ComputeLogMel(samples, model.file().mel_filters(), std::max(1, threads)));
}

int LikeliestLanguage(absl::Span<const float> probabilities) { return Likeliest(probabilities); }

}  // namespace rules_inference::infer
