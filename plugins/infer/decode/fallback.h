// The text of one window: decoded again, and less surely, as long as the result looks wrong.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_FALLBACK_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_FALLBACK_H_

#include <vector>

#include "absl/status/statusor.h"
#include "plugins/infer/decode/candidates.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tokenizer.h"

namespace rules_inference::infer {

struct WindowText {
  // Without the end of text.
  std::vector<TokenId> tokens;
  float temperature = 0;
  // Mean of the tokens and the end of text.
  double avg_log_probability = 0;
  double compression_ratio = 0;
  float no_speech_probability = 0;
};

// Whether the model is unsure of the text, but sure enough that nobody speaks.
bool IsUnsureSilence(const WindowText& text, const TranscribeOptions& options);

// Whether the next temperature has to be tried: the text repeats itself or the model is unsure, and
// it is not just silence.
bool NeedsFallback(const WindowText& text, const TranscribeOptions& options);

// Whether the window has no speech and is passed over. Unlike IsUnsureSilence it holds, too, when
// no threshold of log-probabilities is given.
bool IsSilence(const WindowText& text, const TranscribeOptions& options);

// Tries `options.temperatures` in turn; if none is good enough the last result counts. `seek` is
// the frame at which the window begins.
absl::StatusOr<WindowText> DecodeWindow(Engine& engine, const Tokenizer& tokenizer,
                                        const EncodedWindow& window, const Prompt& prompt,
                                        const LogitRules& rules, const TranscribeOptions& options,
                                        int seek);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_FALLBACK_H_
