// Sequences among which the text of a window is chosen.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_CANDIDATES_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_CANDIDATES_H_

#include <optional>
#include <vector>

#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

// Where every sequence begins.
struct Prompt {
  std::vector<TokenId> tokens;
  // Position of the token start_of_transcript.
  int start = 0;
  // How many may follow.
  int max_tokens = 0;
};

struct Candidate {
  // Behind the prompt, without the end of text.
  std::vector<TokenId> tokens;
  // With that of the end of text, if there is one.
  double sum_log_probability = 0;
};

struct Candidates {
  std::vector<Candidate> sequences;
  float no_speech_probability = 0;
};

// The first of the best, not of nothing: by the mean of the tokens, or with the sum divided by ((5
// + length) / 6) ^ `length_penalty`. The end of text does not count as a token.
const Candidate& BestOf(const std::vector<Candidate>& sequences,
                        std::optional<float> length_penalty);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_CANDIDATES_H_
