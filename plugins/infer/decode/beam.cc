// Problem: find a sequence whose probability as a whole is high, without trying all of them.
//
// Idea: keep the `size` best unfinished sequences. A step continues each by its size + 1 likeliest
// tokens, so that `size` unfinished ones remain even if each could end, and keeps the best. An end
// that is better than the worst one kept is a finished sequence. It is over when enough have
// finished; what is finished is never compared with what might come later.
//
// Invariant: beams are in descending order of their log-probabilities, each a different sequence.
//
// Example: size 2, after "a" (-1) and "b" (-2) the continuations are "a c" (-1.5), "a end" (-2.5),
// "b d" (-2.6), "b end" (-4): kept are "a c" and "b d"; "a end" is finished; "b end" is forgotten,
// since both beams were found before it.
//
// Cost: a step of the decoder with `size` rows for each token; the window's keys and values are
// shared, those of the rows are reordered by their parents.

#include "plugins/infer/decode/beam.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
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

struct Continuation {
  size_t beam;
  TokenId token;
  double sum_log_probability;
};

// The likeliest `count` tokens, best first; of equal ones those with smaller ids. Forbidden ones
// are left out.
std::vector<TokenId> TopTokens(absl::Span<const float> logits, size_t count) {
  std::vector<TokenId> top;
  const auto better = [&](TokenId a, TokenId b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  };
  for (size_t id = 0; id < logits.size(); ++id) {
    const auto token = static_cast<TokenId>(id);
    if (std::isinf(logits[id]) || (top.size() == count && !better(token, top.back()))) continue;
    if (top.size() == count) top.pop_back();
    top.insert(std::upper_bound(top.begin(), top.end(), token, better), token);
  }
  return top;
}

class Search {
 public:
  Search(const LogitRules& rules, size_t vocab, size_t size, size_t wanted)
      : rules_(rules), vocab_(vocab), size_(size), wanted_(wanted), beams_(1) {}

  // Continues the beams with the `logits` of each; false when enough have finished, or no beam is
  // left.
  bool Step(absl::Span<float> logits) {
    const std::vector<Continuation> continuations = Continuations(logits);
    if (continuations.empty()) return false;
    std::vector<Candidate> next;
    std::vector<Candidate> ended;
    parents_.clear();
    for (const Continuation& c : continuations) {
      Candidate candidate = {beams_[c.beam].tokens, c.sum_log_probability};
      if (c.token == rules_.special.end_of_text) {
        ended.push_back(std::move(candidate));
        continue;
      }
      candidate.tokens.push_back(c.token);
      next.push_back(std::move(candidate));
      parents_.push_back(static_cast<int>(c.beam));
      if (next.size() == size_) break;
    }
    beams_ = std::move(next);
    for (Candidate& candidate : ended) {
      if (finished_.size() < wanted_) finished_.push_back(std::move(candidate));
    }
    return finished_.size() < wanted_ && !beams_.empty();
  }

  DecodeStep NextStep(Decoding& decoding) const {
    DecodeStep step = {.decoding = &decoding, .parents = parents_, .wanted = {0}};
    for (const Candidate& beam : beams_) step.tokens.push_back(beam.tokens.back());
    return step;
  }

  std::vector<Candidate> Finish() && {
    for (Candidate& beam : beams_) {
      if (finished_.size() < size_) finished_.push_back(std::move(beam));
    }
    return std::move(finished_);
  }

 private:
  // Best first.
  std::vector<Continuation> Continuations(absl::Span<float> logits) const {
    std::vector<Continuation> all;
    for (size_t i = 0; i < beams_.size(); ++i) {
      const absl::Span<float> of_beam = logits.subspan(i * vocab_, vocab_);
      ApplyRules(rules_, beams_[i].tokens, of_beam);
      const double total = LogSumExp(of_beam);
      for (const TokenId token : TopTokens(of_beam, size_ + 1)) {
        const auto logit = static_cast<double>(of_beam[static_cast<size_t>(token)]);
        all.push_back({i, token, beams_[i].sum_log_probability + logit - total});
      }
    }
    std::stable_sort(all.begin(), all.end(), [](const Continuation& a, const Continuation& b) {
      return a.sum_log_probability > b.sum_log_probability;
    });
    return all;
  }

  const LogitRules& rules_;
  const size_t vocab_;
  const size_t size_;
  const size_t wanted_;
  std::vector<Candidate> beams_;
  std::vector<int> parents_;
  std::vector<Candidate> finished_;
};

}  // namespace

absl::StatusOr<Candidates> DecodeByBeams(Engine& engine, const EncodedWindow& window,
                                         const Prompt& prompt, const LogitRules& rules, int size,
                                         int wanted) {
  const int vocab = engine.parameters().vocab;
  ASSIGN_OR_RETURN(const std::unique_ptr<Decoding> decoding, engine.NewDecoding(window, size));
  DecodeStep step = PromptStep(*decoding, prompt.tokens, prompt.start);
  RETURN_IF_ERROR(engine.Decode(absl::MakeSpan(&step, 1)));
  const float no_speech = NoSpeechProbability(step, rules.special, vocab);

  Search search(rules, static_cast<size_t>(vocab), static_cast<size_t>(size),
                static_cast<size_t>(wanted));
  // One row at first: the beams of openai/whisper all begin with the same one.
  absl::Span<float> logits = LastLogits(step, vocab);
  for (int i = 0; i < prompt.max_tokens; ++i) {
    if (!search.Step(logits) || i + 1 == prompt.max_tokens) break;
    step = search.NextStep(*decoding);
    RETURN_IF_ERROR(engine.Decode(absl::MakeSpan(&step, 1)));
    logits = absl::MakeSpan(step.logits);
  }
  return Candidates{std::move(search).Finish(), no_speech};
}

}  // namespace rules_inference::infer
