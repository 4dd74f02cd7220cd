// When each word is spoken.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_WORD_TIMES_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_WORD_TIMES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

// A word of a window. Its text is empty when it has become part of a neighbour.
struct TimedWord {
  std::string text;
  std::vector<TokenId> tokens;
  // Seconds from the begin of the window.
  double start = 0;
  double end = 0;
  double probability = 0;
};

// Of the tokens of a window that are text. `start`: the prompt's, as StartSequence makes it.
// `frames`: of the window (10 ms).
absl::StatusOr<std::vector<TimedWord>> AlignWords(Engine& engine, const Model& model,
                                                  const EncodedWindow& window,
                                                  absl::Span<const TokenId> start,
                                                  absl::Span<const TokenId> text, int frames,
                                                  absl::Span<const Head> heads, bool has_spaces);

// How long words of a window are.
struct WordDurations {
  // At most 0.7 s; 0 if no word has a duration.
  double median = 0;
  // Twice that.
  double longest = 0;
};
WordDurations DurationsOf(absl::Span<const TimedWord> words);

// Beside the end of a sentence, words that are too long are cut: they have taken the pause.
void TrimAtSentenceEnds(const WordDurations& durations, absl::Span<TimedWord> words);

// Punctuation goes to the word behind it, or before it.
void MergePunctuation(absl::string_view prepended, absl::string_view appended,
                      absl::Span<TimedWord> words);

// Gives the words to the segments of the window, whose times become those of their words, and trims
// words that have taken a pause between segments. `last_speech_end`: where the last word before the
// window ended, in seconds of the sound.
void PlaceWords(const SpecialTokens& special, absl::Span<const TimedWord> words,
                const WordDurations& durations, double last_speech_end,
                absl::Span<Segment> segments);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_WORD_TIMES_H_
