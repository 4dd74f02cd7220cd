// Problem: draw several texts at random such that a seed gives the same text each time, whatever
// the device, and however many sequences are drawn together.
//
// Idea: random numbers are not taken from a generator but are a hash of what they are for: seed,
// window, temperature, row and step. A number picks a token from the cumulated probabilities, in
// the order of ids and in double precision, so that engines whose logits differ in the last bits
// draw the same token but for a negligible part of the numbers.
//
// Invariant: what is drawn for a row depends on its own tokens only.
//
// Cost: exponentials of the vocabulary, in double precision, for each token. Rows that have ended
// are not computed any more.

#include "plugins/infer/decode/sampling.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/decode/candidates.h"
#include "plugins/infer/decode/greedy.h"
#include "plugins/infer/decode/logit_filter.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
uint64_t Mix(uint64_t z) {
  z += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

double UniformAt(const RandomStream& stream, uint64_t row, uint64_t step) {
  uint64_t bits = Mix(stream.seed);
  for (const uint64_t value :
       {stream.seek, uint64_t{std::bit_cast<uint32_t>(stream.temperature)}, row, step}) {
    bits = Mix(bits ^ value);
  }
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

TokenId DrawToken(absl::Span<const float> logits, float temperature, double uniform) {
  const TokenId likeliest = Likeliest(logits);
  const auto largest = static_cast<double>(logits[static_cast<size_t>(likeliest)]);
  const auto t = static_cast<double>(temperature);
  std::vector<double> weights;
  weights.reserve(logits.size());
  double total = 0;
  for (const float logit : logits) {
    weights.push_back(std::exp((static_cast<double>(logit) - largest) / t));
    total += weights.back();
  }
  double left = uniform * total;
  // Rounding may leave a little behind the last token.
  TokenId last = likeliest;
  for (size_t id = 0; id < weights.size(); ++id) {
    if (weights[id] > 0) last = static_cast<TokenId>(id);
    left -= weights[id];
    if (left < 0) break;
  }
  return last;
}

absl::StatusOr<Candidates> DecodeBySampling(Engine& engine, const EncodedWindow& window,
                                            const Prompt& prompt, const LogitRules& rules,
                                            const RandomStream& stream, int count) {
  const auto vocab = static_cast<size_t>(engine.parameters().vocab);
  ASSIGN_OR_RETURN(const std::unique_ptr<Decoding> decoding, engine.NewDecoding(window, count));
  DecodeStep step = PromptStep(*decoding, prompt.tokens, prompt.start);
  RETURN_IF_ERROR(engine.Decode(absl::MakeSpan(&step, 1)));

  Candidates candidates;
  candidates.no_speech_probability =
      NoSpeechProbability(step, rules.special, engine.parameters().vocab);
  candidates.sequences.resize(static_cast<size_t>(count));
  // All rows begin with the one row of the prompt.
  const absl::Span<float> last = LastLogits(step, engine.parameters().vocab);
  std::vector<float> logits;
  std::vector<size_t> going;
  for (size_t row = 0; row < candidates.sequences.size(); ++row) {
    going.push_back(row);
    logits.insert(logits.end(), last.begin(), last.end());
  }
  std::vector<int> parents(going.size(), 0);
  for (int i = 0; i < prompt.max_tokens; ++i) {
    DecodeStep next = {.decoding = decoding.get(), .wanted = {0}};
    std::vector<size_t> still;
    for (size_t r = 0; r < going.size(); ++r) {
      Candidate& candidate = candidates.sequences[going[r]];
      const absl::Span<float> of_row = absl::MakeSpan(logits).subspan(r * vocab, vocab);
      ApplyRules(rules, candidate.tokens, of_row);
      const TokenId token = DrawToken(of_row, stream.temperature,
                                      UniformAt(stream, going[r], static_cast<uint64_t>(i)));
      candidate.sum_log_probability +=
          static_cast<double>(of_row[static_cast<size_t>(token)]) - LogSumExp(of_row);
      if (token == rules.special.end_of_text) continue;
      candidate.tokens.push_back(token);
      next.parents.push_back(parents[r]);
      next.tokens.push_back(token);
      still.push_back(going[r]);
    }
    if (still.empty() || i + 1 == prompt.max_tokens) break;
    RETURN_IF_ERROR(engine.Decode(absl::MakeSpan(&next, 1)));
    logits = std::move(next.logits);
    going = std::move(still);
    parents.resize(going.size());
    for (size_t r = 0; r < going.size(); ++r) parents[r] = static_cast<int>(r);
  }
  return candidates;
}

}  // namespace rules_inference::infer
