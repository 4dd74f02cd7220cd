// Where the text of a window is cut into segments, and where the next window begins.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_SEGMENTS_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_SEGMENTS_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tokenizer.h"

namespace rules_inference::infer {

struct WindowSegments {
  // `start`, `end` and `tokens` are filled in.
  std::vector<Segment> segments;
  // Whether it ends with one time behind text: nothing is said behind it in this window.
  bool ends_in_silence = false;
  // In frames, to the begin of the next window.
  int advance = 0;
};

// `tokens`: of a window that begins at frame `seek` and has `size` frames.
WindowSegments CutSegments(const SpecialTokens& special, absl::Span<const TokenId> tokens, int seek,
                           int size);

// Texts of the segments of a window. A character whose bytes are in two of them is in the second.
void WriteTexts(const Tokenizer& tokenizer, const SpecialTokens& special,
                std::vector<Segment>& segments);

// Whether there is nothing to show: no text, or no time.
bool IsBlank(const Segment& segment);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_SEGMENTS_H_
